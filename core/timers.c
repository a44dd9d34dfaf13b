/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's timers while it is not in the hardware, and its emulated physical timer. Deadlines live
 * on the vCPU's home CPU, where all of this runs. May call core, timer, gic.
 */
#include "core/timers.h"

#include "core/domain.h"
#include "core/sched.h"
#include "guests/abi/domu.h"

/*
 * The virtual timer of a vCPU in WFI is due: loading it makes the hardware assert the interrupt, so
 * there is nothing to inject here.
 */
static void wake_expired(struct deadline *deadline)
{
    sched_wake_from(container_of(deadline, struct vcpu, wake), VCPU_WAIT_EVENT);
}

static void ptimer_expired(struct deadline *deadline)
{
    timers_physical_changed(container_of(deadline, struct vcpu, ptimer));
}

void timers_vcpu_init(struct vcpu *vcpu)
{
    vcpu->wake.expired = wake_expired;
    vcpu->ptimer.expired = ptimer_expired;
    vtimer_init(&vcpu->timer, vcpu->domain->time_offset);
}

void timers_vcpu_saved(struct vcpu *vcpu)
{
    if (vcpu->state == VCPU_WAIT_EVENT)
        timer_arm(&vcpu->wake, vtimer_virtual_deadline(&vcpu->timer));
}

void timers_physical_changed(struct vcpu *vcpu)
{
    uint64_t now = timer_now();
    bool line = vtimer_physical_line(&vcpu->timer, now);

    if (line)
        timer_disarm(&vcpu->ptimer);
    else
        timer_arm(&vcpu->ptimer, vtimer_physical_deadline(&vcpu->timer));
    domain_kick(vcpu->domain,
                vgic_set_level(&vcpu->domain->vgic, vcpu->id, DOMU_PTIMER_INTID, line));
}

/* The physical timer's deadline has stayed behind if it comes from another CPU. */
void timers_vcpu_loading(struct vcpu *vcpu)
{
    if (vcpu->wake.timer)
        timer_disarm(&vcpu->wake);
    if (vcpu->timer.cntp_ctl != 0 && !vcpu->ptimer.timer)
        timers_physical_changed(vcpu);
}

void timers_vcpu_stop(struct vcpu *vcpu)
{
    timer_disarm(&vcpu->wake);
    timer_disarm(&vcpu->ptimer);
    timer_disarm(&vcpu->refill);
}
