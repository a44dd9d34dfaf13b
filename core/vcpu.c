/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPU state: reset, entry point, and the table of transitions. May call core, timer.
 */
#include "core/vcpu.h"

#include "core/timers.h"
#include "platform/panic.h"
#include "platform/string.h"

_Static_assert(offsetof(struct vcpu, x) == 0, "core/entry.S");
_Static_assert(offsetof(struct vcpu, stack_top) == VCPU_STACK, "core/layout.h");
_Static_assert(offsetof(struct vcpu, hazard) == VCPU_HAZARD, "core/layout.h");
_Static_assert(offsetof(struct vcpu, exits) == VCPU_EXITS, "core/layout.h");
_Static_assert(offsetof(struct vcpu, vgic.dirty) == VCPU_DIRTY, "core/layout.h");

#define VMPIDR_RES1 BIT(31)

static const struct mmio_range nowhere;

const uint8_t vcpu_transitions[VCPU_STATES] = {
    [VCPU_OFF] = BIT32(VCPU_READY),
    [VCPU_READY] = BIT32(VCPU_RUNNING) | BIT32(VCPU_OFF),
    [VCPU_RUNNING] =
        BIT32(VCPU_READY) | BIT32(VCPU_WAIT_EVENT) | BIT32(VCPU_WAIT_REQUEST) | BIT32(VCPU_OFF),
    [VCPU_WAIT_EVENT] = BIT32(VCPU_READY) | BIT32(VCPU_OFF),
    [VCPU_WAIT_REQUEST] = BIT32(VCPU_READY) | BIT32(VCPU_OFF),
};

void vcpu_init(struct vcpu *vcpu, struct domain *domain, unsigned id, struct pcpu *pcpu)
{
    vcpu->domain = domain;
    vcpu->id = id;
    vcpu->vmpidr = VMPIDR_RES1 | vcpu_mpidr(id);
    vcpu->access.vcpu = id;
    vcpu->last_range = &nowhere;
    vcpu->pcpu = pcpu;
    vcpu->state = VCPU_OFF;
    vcpu->since = timer_now();
    timers_vcpu_init(vcpu);
}

void vcpu_set_entry(struct vcpu *vcpu, uint64_t pc, uint64_t x0)
{
    assert(vcpu->state == VCPU_OFF);
    memset(vcpu->x, 0, sizeof(vcpu->x));
    context_reset(&vcpu->context);
    memset(&vcpu->fp, 0, sizeof(vcpu->fp));
    vcpu->serror = 0;
    vcpu->context.pc = pc;
    vcpu->x[0] = x0;
}
