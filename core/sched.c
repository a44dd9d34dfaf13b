/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices, wake-ups and the idle loop: who of those at home on a CPU runs there. May call core, gic,
 * timer.
 *
 * pcpu.lock is the innermost lock of core; nothing but the vGIC's and the log's is taken inside it.
 * IRQs are masked at EL2 all the time: the idle loop sees them by WFI and acknowledges them itself.
 *
 * No wake-up is lost: who makes an interrupt pending marks the vGIC dirty, then takes the home
 * CPU's lock and looks at the state; who blocks looks at dirty under the same lock before it sets
 * the state.
 */
#include "core/sched.h"

#include "core/balance.h"
#include "core/domain.h"
#include "core/grace.h"
#include "core/post.h"
#include "core/switch.h"
#include "core/timers.h"
#include "core/trap.h"
#include "gic/gic.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

struct pcpu pcpus[MAX_CPUS];

static uint64_t slice_ticks;

/*
 * A vCPU that runs at once in the place of another pays for both switches, as long as the last one
 * took, and this besides. So waking without end takes no more from the neighbours than running
 * without end.
 */
static uint64_t preempt_ticks;

void sched_init(void)
{
    slice_ticks = timer_ns_to_ticks(SCHED_SLICE_NS);
    preempt_ticks = slice_ticks / 500;
    balance_patience = slice_ticks / BALANCE_INTERVAL;
    share_times.credit = slice_ticks;
    share_times.period = timer_ns_to_ticks(SCHED_CAP_PERIOD_NS);
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        pcpus[i].id = i;
        pcpus[i].claims = gic_info.forgets; /* as if somebody else were there */
        share_init(&pcpus[i].queue);
    }
}

/* A vCPU moves only with its home's lock held. */
static struct pcpu *lock_home(struct vcpu *vcpu)
{
    for (;;) {
        struct pcpu *cpu = __atomic_load_n(&vcpu->pcpu, __ATOMIC_RELAXED);

        spin_lock(&cpu->lock);
        if (__atomic_load_n(&vcpu->pcpu, __ATOMIC_RELAXED) == cpu)
            return cpu;
        spin_unlock(&cpu->lock);
    }
}

void sched_resched(struct pcpu *cpu)
{
    if (cpu->current)
        vcpu_raise(cpu->current, HAZARD_RESCHED);
    if (!pcpu_is_this(cpu))
        gic_ops.send_sgi(cpu->id, SGI_KICK);
}

/* Who runs pays for its time. Lock held. */
static void settle(struct pcpu *cpu, uint64_t now)
{
    struct vcpu *vcpu = cpu->current;

    if (!vcpu || vcpu->share.waits) /* it has blocked, paid, and was woken again at once */
        return;
    share_charge(&cpu->queue, &vcpu->share, now - cpu->charged);
    cpu->charged = now;
}

/* All that who runs has had is the switch: it need not pay if it is preempted now. Lock held. */
static bool has_just_begun(const struct pcpu *cpu, uint64_t now)
{
    const struct vcpu *vcpu = cpu->current;

    return vcpu && vcpu->state == VCPU_RUNNING && vcpu->share.cap == 0 &&
           now - cpu->charged < preempt_ticks + cpu->switch_ticks;
}

void sched_join(struct pcpu *cpu, struct vcpu *vcpu, uint64_t now)
{
    bool alone = !share_first(&cpu->queue);
    bool free = has_just_begun(cpu, now);

    if (!free)
        settle(cpu, now);
    share_join(&cpu->queue, &vcpu->share, cpu->current ? preempt_ticks + 2 * cpu->switch_ticks : 0);
    bool first = !cpu->current || vcpu->share.ready.when < cpu->current->share.ready.when;
    if (first && free)
        cpu->charged = now;
    if (first || alone)
        sched_resched(cpu);
}

/* From OFF or a wait state. Lock held. */
static void make_ready(struct pcpu *cpu, struct vcpu *vcpu)
{
    uint64_t now = timer_now();

    vcpu_set_state(vcpu, VCPU_READY, now);
    if (!vcpu->held)
        sched_join(cpu, vcpu, now);
}

static bool wake_locked(struct pcpu *cpu, struct vcpu *vcpu, enum vcpu_state from)
{
    if (vcpu->state != from)
        return false;
    make_ready(cpu, vcpu);
    return true;
}

bool sched_wake_from(struct vcpu *vcpu, enum vcpu_state from)
{
    struct pcpu *cpu = lock_home(vcpu);
    bool woken = wake_locked(cpu, vcpu, from);

    spin_unlock(&cpu->lock);
    return woken;
}

bool sched_reply(struct vcpu *vcpu, uint64_t value)
{
    struct pcpu *cpu = lock_home(vcpu);
    /* Its frame is complete: it left its CPU's current slot after the request was posted. */
    bool waits = vcpu->state == VCPU_WAIT_REQUEST;

    if (waits) {
        request_finish(vcpu, value);
        make_ready(cpu, vcpu);
    }
    spin_unlock(&cpu->lock);
    return waits;
}

void sched_kick(struct vcpu *vcpu)
{
    struct pcpu *cpu = this_pcpu();

    if (cpu->current == vcpu)
        return; /* its entry is still to come and looks */
    cpu = lock_home(vcpu);
    if (!wake_locked(cpu, vcpu, VCPU_WAIT_EVENT) && cpu->current == vcpu)
        gic_ops.send_sgi(cpu->id, SGI_POST);
    spin_unlock(&cpu->lock);
}

void sched_block(struct vcpu *vcpu, enum vcpu_state state)
{
    struct pcpu *cpu = vcpu->pcpu;

    spin_lock(&cpu->lock);
    assert(cpu->current == vcpu);
    if (state != VCPU_WAIT_EVENT || !vgic_needs_flush(&vcpu->vgic)) {
        vcpu_set_state(vcpu, state, timer_now());
        vcpu_raise(vcpu, HAZARD_RESCHED);
    }
    spin_unlock(&cpu->lock);
}

void sched_yield(struct vcpu *vcpu)
{
    vcpu->yields = true;
    vcpu_raise(vcpu, HAZARD_RESCHED);
}

void sched_hold(struct vcpu *vcpu)
{
    struct pcpu *cpu = lock_home(vcpu);

    vcpu_account(vcpu, timer_now());
    vcpu->held = true;
    if (vcpu->share.waits)
        share_leave(&cpu->queue, &vcpu->share);
    sched_resched(cpu);
    spin_unlock(&cpu->lock);
}

/* It is ready, but waits nowhere: it was held, or has used up its cap. Lock held. */
static void join_again(struct pcpu *cpu, struct vcpu *vcpu, uint64_t now)
{
    if (vcpu->state == VCPU_READY && !vcpu->held && !vcpu->share.waits)
        sched_join(cpu, vcpu, now);
}

void sched_release(struct vcpu *vcpu)
{
    struct pcpu *cpu = lock_home(vcpu);
    uint64_t now = timer_now();

    vcpu_account(vcpu, now);
    vcpu->held = false;
    join_again(cpu, vcpu, now);
    spin_unlock(&cpu->lock);
}

/* The next period of its cap begins. */
static void refill_expired(struct deadline *deadline)
{
    struct vcpu *vcpu = container_of(deadline, struct vcpu, refill);
    struct pcpu *cpu = lock_home(vcpu);

    join_again(cpu, vcpu, timer_now());
    spin_unlock(&cpu->lock);
}

void sched_vcpu_init(struct vcpu *vcpu)
{
    vcpu->refill.expired = refill_expired;
    share_set(&vcpu->pcpu->queue, &vcpu->share, SHARE_WEIGHT, 0);
}

void sched_set_share(struct vcpu *vcpu, uint32_t weight, uint64_t cap)
{
    struct pcpu *cpu = lock_home(vcpu);

    settle(cpu, timer_now()); /* what it has run so far counts as it did until now */
    share_set(&cpu->queue, &vcpu->share, weight, cap);
    sched_resched(cpu);
    spin_unlock(&cpu->lock);
}

void sched_set_cpus(struct vcpu *vcpu, uint64_t cpus)
{
    struct pcpu *cpu = lock_home(vcpu);

    __atomic_store_n(&vcpu->cpus, cpus, __ATOMIC_RELAXED);
    bool elsewhere = pcpu_may_leave(cpu, vcpu);
    if (vcpu->share.waits) /* it does all the time: an idle CPU looks without the lock */
        cpu->queue.movable += (uint32_t)elsewhere - vcpu->share.elsewhere;
    vcpu->share.elsewhere = elsewhere;
    if (!pcpu_may_run(cpu, vcpu)) {
        /* A WFI may end for no reason; who is ready is moved on. */
        (void)wake_locked(cpu, vcpu, VCPU_WAIT_EVENT);
        sched_resched(cpu);
    }
    spin_unlock(&cpu->lock);
}

void sched_claim(struct pcpu *cpu, int change)
{
    spin_lock(&cpu->lock);
    bool shared = cpu->claims > 1;
    cpu->claims += (uint32_t)change;
    if (shared != (cpu->claims > 1))
        sched_resched(cpu);
    spin_unlock(&cpu->lock);
}

void sched_retire(struct vcpu *vcpu)
{
    struct pcpu *cpu = lock_home(vcpu);

    assert(vcpu->held && !vcpu->share.waits);
    vcpu->next = cpu->retired;
    cpu->retired = vcpu;
    spin_unlock(&cpu->lock);
}

void sched_kicked(struct pcpu *cpu)
{
    uint64_t period = grace_latest(); /* a vCPU retired after this is for a later one */

    spin_lock(&cpu->lock);
    for (struct vcpu *vcpu = cpu->retired; vcpu; vcpu = vcpu->next)
        timers_vcpu_stop(vcpu);
    cpu->retired = NULL;
    spin_unlock(&cpu->lock);
    post_take(cpu); /* before the grace period: see step_drain */
    grace_kick(cpu, period);
}

bool sched_is_off_cpu(struct vcpu *vcpu)
{
    struct pcpu *cpu = lock_home(vcpu);
    bool off = cpu->current != vcpu;

    spin_unlock(&cpu->lock);
    return off;
}

uint64_t sched_run_time(struct vcpu *vcpu)
{
    struct pcpu *cpu = lock_home(vcpu);

    vcpu_account(vcpu, timer_now());
    uint64_t ticks = vcpu->spent[VCPU_RUNNING];
    spin_unlock(&cpu->lock);
    return ticks;
}

/*
 * Who runs does not any more. Returns it if it is ready, then it waits nowhere yet, or NULL. Lock
 * held.
 */
static struct share *stop(struct pcpu *cpu, uint64_t now)
{
    struct vcpu *vcpu = cpu->current;

    if (!vcpu)
        return NULL;
    __atomic_fetch_and(&vcpu->hazard, ~HAZARD_RESCHED, __ATOMIC_ACQUIRE);
    cpu->current = NULL;
    bool yields = vcpu->yields;
    vcpu->yields = false;
    if (vcpu->share.waits) /* see settle */
        return NULL;
    share_charge(&cpu->queue, &vcpu->share, now - cpu->charged);
    if (yields)
        share_yield(&cpu->queue, &vcpu->share);
    if (vcpu->state == VCPU_RUNNING)
        vcpu_set_state(vcpu, VCPU_READY, now);
    if (vcpu->state == VCPU_READY && !vcpu->held)
        return &vcpu->share;
    if (vcpu->share.counted)
        share_leave(&cpu->queue, &vcpu->share);
    return NULL;
}

/*
 * Makes the first whose cap lets it run, until *when, current: of those who wait and of
 * `share`, who ran until now, or NULL. Those before it wait for more. Returns NULL if there is
 * nobody, or if one that may not run here is to go first. Lock held.
 */
static struct vcpu *pick(struct pcpu *cpu, struct share *share, uint64_t now, uint64_t *when)
{
    while ((share = share_next(&cpu->queue, share))) {
        struct vcpu *vcpu = container_of(share, struct vcpu, share);

        if (!pcpu_may_run(cpu, vcpu) && balance_expel(cpu, vcpu))
            return NULL;
        uint64_t ticks = share_allowance(share, now);
        if (ticks > 0) {
            assert(vcpu->state == VCPU_READY);
            vcpu_set_state(vcpu, VCPU_RUNNING, now);
            if (vcpu->stolen)
                *vcpu->stolen = timer_ticks_to_ns(vcpu->spent[VCPU_READY]);
            cpu->current = vcpu;
            cpu->switched_in = now;
            cpu->charged = now;
            *when = ticks == UINT64_MAX ? TIMER_NEVER : now + ticks;
            return vcpu;
        }
        share_leave(&cpu->queue, share);
        timer_arm(&vcpu->refill, share_refill(share));
        share = NULL;
    }
    return NULL;
}

/* Decides who runs, and until when if nothing else happens. NULL: nobody does. */
static struct vcpu *choose(struct pcpu *cpu)
{
    uint64_t when = TIMER_NEVER;

    spin_lock(&cpu->lock);
    uint64_t now = timer_now(); /* with the lock: not before what others have accounted */
    struct vcpu *next = pick(cpu, stop(cpu, now), now, &when);
    if (share_first(&cpu->queue) || gic_info.forgets) {
        uint64_t slice = now + (balance_wanted(cpu) ? balance_patience : slice_ticks);
        when = MIN(when, slice);
    }
    spin_unlock(&cpu->lock);
    if (next)
        timer_set_slice(when);
    return next;
}

/* If nobody is ready: waits for interrupts until somebody may be. */
static void idle(struct pcpu *cpu)
{
    if (share_first(&cpu->queue))
        return;
    timer_set_slice(balance_idle(cpu));
    gic_remind();
    wfi(); /* who makes one ready from now on sends an interrupt */
    irq_handle_one(cpu);
}

/*
 * Folding and flushing may wake a vCPU of this very CPU, after the decision: it raises the hazard
 * of the one about to be entered, and the decision is made anew.
 */
struct vcpu *sched_enter(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu ? vcpu->pcpu : this_pcpu();

    for (;;) {
        if (balance_due(cpu))
            balance_away(cpu); /* first: who has waited is to go, not who would from now on */
        struct vcpu *next = choose(cpu);
        bool other = cpu->loaded != next;

        switch_to(cpu, next, cpu->claims > 1);
        if (!next) {
            idle(cpu);
            continue;
        }
        balance_not_idle(cpu);
        if (other) {
            uint64_t ticks = timer_now() - cpu->switched_in;
            cpu->switch_ticks = MIN(ticks, 10 * preempt_ticks);
        }
        if (!(__atomic_load_n(&next->hazard, __ATOMIC_ACQUIRE) & HAZARD_RESCHED))
            return next;
    }
}

void sched_start(uint64_t stack_top)
{
    struct pcpu *cpu = this_pcpu();

    cpu->stack_top = stack_top;
    guest_enter(sched_enter(NULL));
}
