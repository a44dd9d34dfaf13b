/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts for vCPUs of other CPUs, see post.h. A vCPU is in its CPU's list once: who makes its
 * word not zero puts it there, and who makes the list not empty tells the CPU. May call core, gic.
 */
#include "core/post.h"

#include "core/domain.h"
#include "core/pcpu.h"
#include "core/sched.h"
#include "gic/gic.h"

/* On the vCPU's CPU. The entry of a vCPU that is current is still to come, and looks. */
static void deliver(struct pcpu *cpu, struct vcpu *vcpu, unsigned line)
{
    struct domain *domain = vcpu->domain;
    vcpu_mask_t kick = vgic_set_pending(&domain->vgic, vcpu->id, domain->first_line + line);

    if (kick != BIT(vcpu->id) || cpu->current != vcpu)
        domain_kick(domain, kick);
}

static void leave(struct pcpu *cpu, struct vcpu *vcpu, unsigned line)
{
    if (__atomic_fetch_or(&vcpu->posted, BIT(line), __ATOMIC_ACQ_REL) != 0)
        return;
    struct vcpu *first = __atomic_load_n(&cpu->posts, __ATOMIC_RELAXED);
    do
        vcpu->next_post = first; /* ours until it is in the list, and not after */
    while (!__atomic_compare_exchange_n(&cpu->posts, &first, vcpu, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    if (!first)
        gic_ops.send_sgi(cpu->id, SGI_POST);
}

void post_interrupt(struct vcpu *vcpu, unsigned line)
{
    struct pcpu *cpu = vcpu->pcpu;

    if (pcpu_is_this(cpu))
        deliver(cpu, vcpu, line);
    else
        leave(cpu, vcpu, line);
}

void post_take(struct pcpu *cpu)
{
    struct vcpu *vcpu = __atomic_exchange_n(&cpu->posts, NULL, __ATOMIC_ACQUIRE);

    while (vcpu) {
        struct vcpu *next = vcpu->next_post; /* before others may put it into the list again */
        uint64_t lines = __atomic_exchange_n(&vcpu->posted, 0, __ATOMIC_ACQ_REL);

        for (; lines; lines &= lines - 1)
            deliver(cpu, vcpu, (unsigned)__builtin_ctzl(lines));
        vcpu = next;
    }
}
