/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Homes of vCPUs, see balance.h. What other CPUs have to do is read without their locks: a hint.
 * May call core, gic, timer.
 */
#include "core/balance.h"

#include "core/domain.h"
#include "core/sched.h"
#include "core/switch.h"
#include "core/timers.h"
#include "platform/panic.h"

#define LOOK_AT 4 /* of those who wait, the first */

uint64_t balance_idle_cpus;
uint64_t balance_patience;

static unsigned residents(const struct pcpu *cpu)
{
    return __atomic_load_n(&cpu->residents, __ATOMIC_RELAXED);
}

bool balance_has_room(unsigned vcpus, uint64_t cpus)
{
    unsigned room = 0;

    for (; cpus; cpus &= cpus - 1)
        room += BALANCE_MAX_RESIDENTS - residents(&pcpus[__builtin_ctzl(cpus)]);
    return vcpus <= room;
}

struct pcpu *balance_place(uint64_t cpus)
{
    struct pcpu *best = NULL;

    for (; cpus; cpus &= cpus - 1) {
        struct pcpu *cpu = &pcpus[__builtin_ctzl(cpus)];

        if (!best || residents(cpu) < residents(best))
            best = cpu;
    }
    assert(best && residents(best) < BALANCE_MAX_RESIDENTS);
    __atomic_fetch_add(&best->residents, 1, __ATOMIC_RELAXED);
    return best;
}

void balance_unplace(struct vcpu *vcpu)
{
    uint32_t before = __atomic_fetch_sub(&vcpu->pcpu->residents, 1, __ATOMIC_RELAXED);

    assert(before > 0);
}

static uint64_t load_of(const struct pcpu *cpu)
{
    return __atomic_load_n(&cpu->queue.load, __ATOMIC_RELAXED);
}

/*
 * Where a vCPU of this CPU had better be, or NULL. A CPU is better if it has less to do even with
 * it. Half of the places are kept for those who have no choice.
 */
static struct pcpu *better_home(const struct pcpu *cpu, const struct vcpu *vcpu)
{
    bool may_stay = pcpu_may_run(cpu, vcpu);
    unsigned most = may_stay ? BALANCE_MAX_RESIDENTS / 2 : BALANCE_MAX_RESIDENTS - 1;
    struct pcpu *best = NULL;

    for (uint64_t cpus = vcpu->cpus & ~BIT(cpu->id); cpus; cpus &= cpus - 1) {
        struct pcpu *other = &pcpus[__builtin_ctzl(cpus)];

        if (residents(other) < most && (!best || load_of(other) < load_of(best)))
            best = other;
    }
    if (best && may_stay && load_of(best) + vcpu->share.weight >= load_of(cpu))
        return NULL;
    return best;
}

/* A vCPU that waits here, and is not loaded, moves; not if the other CPU is busy. Lock held. */
static void move(struct pcpu *cpu, struct vcpu *vcpu, struct pcpu *to)
{
    if (!spin_trylock(&to->lock))
        return;
    assert(cpu->loaded != vcpu);
    share_leave(&cpu->queue, &vcpu->share);
    vcpu->share.ready.when += to->queue.floor - cpu->queue.floor; /* as far behind as it was here */
    if (cpu->fp_owner == vcpu)
        switch_drop_fp(cpu);
    timers_vcpu_stop(vcpu);
    vgic_set_pcpu(&vcpu->domain->vgic, &vcpu->vgic, to->id);
    __atomic_fetch_sub(&cpu->residents, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&to->residents, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&vcpu->pcpu, to, __ATOMIC_RELAXED);
    vcpu->share.elsewhere = pcpu_may_leave(to, vcpu);
    sched_join(to, vcpu, timer_now());
    spin_unlock(&to->lock);
}

void balance_away(struct pcpu *cpu)
{
    uint64_t now = timer_now();

    spin_lock(&cpu->lock);
    for (unsigned i = 0; i < MIN(cpu->queue.waiting.count, LOOK_AT); i++) {
        struct deadline *ready = cpu->queue.waiting.slot[i];
        struct vcpu *vcpu = container_of(ready, struct vcpu, share.ready);
        struct pcpu *to = better_home(cpu, vcpu);

        if (to && cpu->loaded != vcpu && now - vcpu->since >= balance_patience) {
            move(cpu, vcpu, to);
            break;
        }
    }
    cpu->balanced = now + BALANCE_INTERVAL * balance_patience;
    spin_unlock(&cpu->lock);
}

bool balance_expel(struct pcpu *cpu, struct vcpu *vcpu)
{
    struct pcpu *to = better_home(cpu, vcpu);

    if (!to)
        return false;
    share_put_back(&cpu->queue, &vcpu->share);
    if (cpu->loaded != vcpu) /* else it is about to be taken out, see switch_to */
        move(cpu, vcpu, to);
    return true;
}

uint64_t balance_idle(struct pcpu *cpu)
{
    uint64_t idle = __atomic_load_n(&balance_idle_cpus, __ATOMIC_RELAXED);
    struct pcpu *busiest = NULL;

    if (!cpu->idles) {
        cpu->idles = true;
        __atomic_fetch_or(&balance_idle_cpus, BIT(cpu->id), __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < cpu_count; i++)
        if (!(idle & BIT(i)) && __atomic_load_n(&pcpus[i].queue.movable, __ATOMIC_RELAXED) &&
            (!busiest || load_of(&pcpus[i]) > load_of(busiest)))
            busiest = &pcpus[i];
    if (!busiest || busiest == cpu)
        return TIMER_NEVER;
    spin_lock(&busiest->lock);
    sched_resched(busiest);
    spin_unlock(&busiest->lock);
    /* Others that idle may get what it has; who has most to do then is to look as well. */
    return timer_now() + 2 * balance_patience;
}
