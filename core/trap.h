/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of exceptions from a guest, by exception class, and what they share.
 * May include core.
 */
#ifndef CORE_TRAP_H
#define CORE_TRAP_H

#include "core/vcpu.h"
#include "platform/sysreg.h"

/* ESR_EL2.EC (Arm ARM D19.2.37) */
#define EC_UNKNOWN  0x00
#define EC_WFX      0x01
#define EC_FP       0x07
#define EC_HVC64    0x16
#define EC_SMC64    0x17
#define EC_SYSREG   0x18
#define EC_IABT_LOW 0x20
#define EC_DABT_LOW 0x24

#define ESR_EC(ec) ((uint64_t)(ec) << 26)

/* Moves the guest's PC over the instruction that trapped. The one place that does. */
#define ESR_IL BIT(25) /* of a 32-bit instruction, as all of A64 are */
static inline void trap_skip(uint64_t esr)
{
    sysreg_write(elr_el2, sysreg_read(elr_el2) + 2 + 2 * FIELD(esr, 25, 25));
}

/* A row of the exception table. The vCPU is loaded on the calling CPU. */
typedef void (*trap_handler_t)(struct vcpu *vcpu, uint64_t esr);

void trap_hvc(struct vcpu *vcpu, uint64_t esr);    /* core/smccc.c */
void trap_smc(struct vcpu *vcpu, uint64_t esr);    /* core/smccc.c */
void trap_sysreg(struct vcpu *vcpu, uint64_t esr); /* core/sysreg_trap.c */
void trap_dabt(struct vcpu *vcpu, uint64_t esr);   /* core/abort.c */
void trap_iabt(struct vcpu *vcpu, uint64_t esr);   /* core/abort.c */

/*
 * core/inject.c: makes the guest take an exception at its EL1, as the architecture would have it
 * (Arm ARM D1.3, AArch64.TakeException): UNDEF at the trapped instruction, or a synchronous
 * external abort for the address in FAR_EL2. The next entry begins at its vector.
 */
void inject_undef(struct vcpu *vcpu);
void inject_abort(struct vcpu *vcpu, bool instruction);

/* True if the fetch that aborted is that of the vector which the abort would be taken to. */
bool inject_is_lost(void);

/* core/abort.c: finishes a posted access with the backend's answer. Not running; CPU lock not held.
 */
void request_finish(struct vcpu *vcpu, uint64_t value);

/* core/idreg.c: ID registers as every guest reads them (op0 3, op1 0, CRn 0, CRm 0..7). Boot. */
void idreg_init(void);
uint64_t idreg_read(unsigned crm, unsigned op2);

/*
 * core/irq.c: acknowledges and handles one pending interrupt of the calling CPU, if there is one:
 * an SPI goes to dom0, the virtual timer to the loaded vCPU, the rest is Tarn's own. On an exit, or
 * idle. irq_init_cpu: each CPU at boot, enables the private interrupts among them.
 */
void irq_handle_one(struct pcpu *cpu);
void irq_init_cpu(void);

/* Row handlers of SMCCC services. x1.. are arguments, results go to x1..; returns x0. */
int64_t psci_call(struct vcpu *vcpu, uint32_t function); /* core/psci.c */
int64_t hypercall(struct vcpu *vcpu, uint32_t function); /* core/hypercall.c */

/*
 * core/pvtime.c, stolen time (Arm DEN 0057A): how long a vCPU was ready and waited for its CPU, in
 * a page that its domain reads. PV_TIME_FEATURES, PV_TIME_ST, and any other call of the standard
 * hypervisor service.
 */
#define PV_TIME_FEATURES 0xc5000020
int64_t pvtime_call(struct vcpu *vcpu, uint32_t function);

#endif
