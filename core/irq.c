/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a physical interrupt goes. May call core, gic, timer.
 */
#include "core/domain.h"
#include "core/post.h"
#include "core/sched.h"
#include "core/trap.h"
#include "gic/gic.h"
#include "guests/abi/domu.h"
#include "platform/log.h"
#include "platform/sysreg.h"

/* The virtual timer of whoever is loaded; it stays active until that guest deactivates it. */
static void virtual_timer(struct pcpu *cpu)
{
    struct vcpu *vcpu = cpu->loaded;

    if (vcpu)
        domain_kick(vcpu->domain,
                    vgic_set_pending_hw(&vcpu->domain->vgic, vcpu->id, DOMU_VTIMER_INTID));
    else
        gic_ops.deactivate(DOMU_VTIMER_INTID); /* fired while it was being switched out */
}

/*
 * The flush ends it. At once: a vCPU that waits for its backend is not entered, and an interrupt
 * that stays asserted keeps all of higher numbers from an idle CPU. One that waits for an event may
 * have got what it waits for.
 */
static void maintenance(struct pcpu *cpu)
{
    struct vcpu *vcpu = cpu->loaded;

    if (!vcpu)
        return;
    vcpu_mask_t kick = vgic_maintenance(&vcpu->domain->vgic, &vcpu->vgic);
    domain_kick(vcpu->domain, kick | vgic_flush(&vcpu->domain->vgic, &vcpu->vgic));
    sched_kick(vcpu);
}

static void expire(struct pcpu *cpu)
{
    if (timer_interrupt() && cpu->current)
        vcpu_raise(cpu->current, HAZARD_RESCHED);
}

/* Tarn's own; deactivated here. */
static void own(struct pcpu *cpu, uint32_t intid)
{
    if (intid == SGI_POST)
        post_take(cpu);
    else if (intid == SGI_UPCALL)
        upcall_take(cpu);
    else if (intid == SGI_KICK)
        sched_kicked(cpu);
    else if (intid == TIMER_EL2_INTID)
        expire(cpu);
    else if (intid == gic_info.maintenance_intid)
        maintenance(cpu);
    else if (intid == SGI_PANIC)
        for (;;) /* the CPU that panics wants quiet */
            wfi();
    else
        log_warn("cpu %u: unexpected interrupt %u ignored", cpu->id, intid);
    gic_ops.deactivate(intid);
}

void irq_handle_one(struct pcpu *cpu)
{
    uint32_t intid = gic_ops.ack();

    if (intid >= GIC_INTID_SPURIOUS)
        return;
    trace(NULL, TARN_TRACE_IRQ, intid);
    if (intid == DOMU_VTIMER_INTID)
        virtual_timer(cpu);
    else if (intid >= 32)
        domain_kick(dom0(), vgic_set_pending_hw(&dom0()->vgic, 0, intid));
    else
        own(cpu, intid);
}

void irq_init_cpu(void)
{
    gic_enable_ppi(TIMER_EL2_INTID);
    gic_enable_ppi(DOMU_VTIMER_INTID);
    gic_enable_ppi(gic_info.maintenance_intid);
}
