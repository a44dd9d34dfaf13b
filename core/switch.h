/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving vCPUs in and out of a physical CPU's registers. A vCPU stays loaded until another one is
 * to run on its CPU, so that WFI and back costs no switch. May include core, mm, gic, timer.
 */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "core/pcpu.h"
#include "core/vcpu.h"

/* Each CPU at boot: EL2's trap controls, nothing loaded. */
void switch_init_cpu(void);

/*
 * Makes vcpu the one loaded on the calling CPU and its list registers current. shared: other
 * vCPUs may run on this CPU, so WFI and WFE of the guest exit (HCR_EL2.TWI, TWE). NULL: nobody is
 * to run; who is loaded may stay.
 *
 * Takes out of the calling CPU's registers what belongs to other vCPUs that are held (paused or
 * dying), off or to run elsewhere: memory of such a one may be freed, its context set anew.
 */
void switch_to(struct pcpu *cpu, struct vcpu *vcpu, bool shared);

/* The FP registers belong to nobody. */
void switch_drop_fp(struct pcpu *cpu);

/* True once no register of any CPU belongs to a held or off vCPU. Any CPU. */
bool switch_is_out(const struct vcpu *vcpu);

/* First FP instruction since another vCPU used FP here: hands over the registers. */
void switch_fp(struct vcpu *vcpu);

#endif
