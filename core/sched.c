/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run queues, slices, wake-ups and the idle loop. May call core, gic, timer.
 *
 * pcpu.lock is the innermost lock of core; nothing but the log is taken inside it. IRQs are masked
 * at EL2 all the time: the idle loop sees them by WFI and acknowledges them itself.
 *
 * No wake-up is lost: who makes an interrupt pending marks the vGIC dirty, then takes the home
 * CPU's lock and looks at the state; who blocks looks at dirty under the same lock before it sets
 * the state.
 */
#include "core/sched.h"

#include "core/domain.h"
#include "core/grace.h"
#include "core/irq.h"
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
 * What a vCPU pays, besides its time, to run at once in the place of another, which pays nothing if
 * it has run for less. So two switches for nothing, 500 times a slice, are the most that waking
 * without end takes from the neighbours.
 */
static uint64_t preempt_ticks;

static void slice_expired(struct deadline *deadline)
{
    struct pcpu *cpu = container_of(deadline, struct pcpu, slice_end);

    if (cpu->current)
        vcpu_raise(cpu->current, HAZARD_RESCHED);
}

void sched_init(void)
{
    slice_ticks = timer_ns_to_ticks(SCHED_SLICE_NS);
    preempt_ticks = slice_ticks / 500;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        pcpus[i].id = i;
        pcpus[i].slice_end.expired = slice_expired;
    }
}

bool sched_has_room(unsigned vcpus)
{
    unsigned room = 0;

    for (unsigned i = 0; i < cpu_count; i++)
        room += SCHED_MAX_RESIDENTS - pcpus[i].residents;
    return vcpus <= room;
}

struct pcpu *sched_place(void)
{
    struct pcpu *best = &pcpus[0];

    for (unsigned i = 1; i < cpu_count; i++)
        if (pcpus[i].residents < best->residents)
            best = &pcpus[i];
    assert(best->residents < SCHED_MAX_RESIDENTS);
    best->residents++;
    return best;
}

void sched_unplace(struct vcpu *vcpu)
{
    assert(vcpu->pcpu->residents > 0);
    vcpu->pcpu->residents--;
}

/* Run queues. Lock held. */

static void queue_insert(struct pcpu *cpu, struct vcpu *vcpu, bool front)
{
    struct run_queue *queue = &cpu->queue[vcpu->slice == 0];

    assert(!vcpu->queue);
    vcpu->queue = queue;
    vcpu->next = front ? queue->first : NULL;
    vcpu->previous = front ? NULL : queue->last;
    *(vcpu->previous ? &vcpu->previous->next : &queue->first) = vcpu;
    *(vcpu->next ? &vcpu->next->previous : &queue->last) = vcpu;
}

static void queue_remove(struct vcpu *vcpu)
{
    struct run_queue *queue = vcpu->queue;

    assert(queue);
    vcpu->queue = NULL;
    *(vcpu->previous ? &vcpu->previous->next : &queue->first) = vcpu->next;
    *(vcpu->next ? &vcpu->next->previous : &queue->last) = vcpu->previous;
}

/* Makes a CPU look at its queue again. Lock held. */
static void resched(struct pcpu *cpu)
{
    if (cpu->current)
        vcpu_raise(cpu->current, HAZARD_RESCHED);
    if (!pcpu_is_this(cpu))
        gic_send_sgi(cpu->id, SGI_KICK);
}

/*
 * A vCPU became ready. One that still has slice left goes first: it waited for I/O or an event and
 * has not had its share of this round; if somebody runs, that costs it a little. Else it goes
 * behind all others. Lock held.
 */
static void make_ready(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    vcpu_set_state(vcpu, VCPU_READY, timer_now());
    if (vcpu->held)
        return;
    if (cpu->current)
        vcpu->slice -= MIN(vcpu->slice, preempt_ticks);
    queue_insert(cpu, vcpu, vcpu->slice > 0);
    resched(cpu);
}

static bool wake_locked(struct vcpu *vcpu, enum vcpu_state from)
{
    if (vcpu->state != from)
        return false;
    make_ready(vcpu);
    return true;
}

bool sched_wake_from(struct vcpu *vcpu, enum vcpu_state from)
{
    spin_lock(&vcpu->pcpu->lock);
    bool woken = wake_locked(vcpu, from);
    spin_unlock(&vcpu->pcpu->lock);
    return woken;
}

bool sched_reply(struct vcpu *vcpu, uint64_t value)
{
    spin_lock(&vcpu->pcpu->lock);
    /* Its frame is complete: it left its CPU's current slot after the request was posted. */
    bool waits = vcpu->state == VCPU_WAIT_REQUEST;
    if (waits) {
        request_finish(vcpu, value);
        make_ready(vcpu);
    }
    spin_unlock(&vcpu->pcpu->lock);
    return waits;
}

void sched_kick(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    if (cpu->current == vcpu && pcpu_is_this(cpu))
        return; /* its entry is still to come and looks */
    spin_lock(&cpu->lock);
    if (!wake_locked(vcpu, VCPU_WAIT_EVENT) && cpu->current == vcpu)
        gic_send_sgi(cpu->id, SGI_KICK);
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
    vcpu->slice = 0;
    vcpu_raise(vcpu, HAZARD_RESCHED);
}

void sched_hold(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    spin_lock(&cpu->lock);
    vcpu_account(vcpu, timer_now());
    vcpu->held = true;
    if (vcpu->queue)
        queue_remove(vcpu);
    resched(cpu);
    spin_unlock(&cpu->lock);
}

void sched_release(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    spin_lock(&cpu->lock);
    vcpu_account(vcpu, timer_now());
    vcpu->held = false;
    if (vcpu->state == VCPU_READY && !vcpu->queue) {
        queue_insert(cpu, vcpu, false);
        resched(cpu);
    }
    spin_unlock(&cpu->lock);
}

void sched_retire(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    spin_lock(&cpu->lock);
    assert(vcpu->held && !vcpu->queue);
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
    spin_lock(&vcpu->pcpu->lock);
    bool off = vcpu->pcpu->current != vcpu;
    spin_unlock(&vcpu->pcpu->lock);
    return off;
}

uint64_t sched_run_time(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu->pcpu;

    spin_lock(&cpu->lock);
    vcpu_account(vcpu, timer_now());
    uint64_t ticks = vcpu->spent[VCPU_RUNNING];
    spin_unlock(&cpu->lock);
    return ticks;
}

/* Charges the running stretch to current and puts it back where its state says. Lock held. */
static void put_back(struct pcpu *cpu, uint64_t now)
{
    struct vcpu *vcpu = cpu->current;

    if (!vcpu)
        return;
    uint64_t ran = now - cpu->switched_in;
    if (ran >= MIN(preempt_ticks, vcpu->slice) || vcpu->state != VCPU_RUNNING)
        vcpu->slice -= MIN(ran, vcpu->slice);
    cpu->current = NULL;
    if (vcpu->state != VCPU_RUNNING)
        return;
    vcpu_set_state(vcpu, VCPU_READY, now);
    if (vcpu->held)
        return;
    queue_insert(cpu, vcpu, false);
}

/* Somebody who is ready, or NULL; the first of those with slice left, of all others if none has. */
static struct vcpu *first_ready(const struct pcpu *cpu)
{
    struct vcpu *vcpu = __atomic_load_n(&cpu->queue[0].first, __ATOMIC_ACQUIRE);

    return vcpu ? vcpu : __atomic_load_n(&cpu->queue[1].first, __ATOMIC_ACQUIRE);
}

/* Takes the first as current, with a new slice if it has used up its last. Lock held. */
static struct vcpu *pick(struct pcpu *cpu, uint64_t now)
{
    struct vcpu *vcpu = first_ready(cpu);

    if (!vcpu)
        return NULL;
    queue_remove(vcpu);
    vcpu_set_state(vcpu, VCPU_RUNNING, now);
    if (vcpu->slice == 0)
        vcpu->slice = slice_ticks;
    cpu->current = vcpu;
    cpu->switched_in = now;
    return vcpu;
}

/* Nobody is ready: waits for interrupts until somebody is. Lock not held. */
static void idle(struct pcpu *cpu)
{
    if (!first_ready(cpu))
        wfi();
    irq_handle_one(cpu);
}

/* Decides who runs; idles until there is somebody. *contended: others wait for this CPU. */
static struct vcpu *choose(struct pcpu *cpu, bool *contended)
{
    for (;;) {
        spin_lock(&cpu->lock);
        uint64_t now = timer_now(); /* with the lock: not before what others have accounted */
        if (cpu->current)
            __atomic_fetch_and(&cpu->current->hazard, ~HAZARD_RESCHED, __ATOMIC_ACQUIRE);
        put_back(cpu, now);
        struct vcpu *next = pick(cpu, now);
        *contended = first_ready(cpu) != NULL;
        spin_unlock(&cpu->lock);
        switch_drop_held(cpu, next);
        if (next)
            return next;
        timer_disarm(&cpu->slice_end);
        idle(cpu);
    }
}

/*
 * Folding and flushing may wake a vCPU of this very CPU, after the decision: it raises the hazard
 * of the one about to be entered, and the decision is made anew.
 */
struct vcpu *sched_enter(struct vcpu *vcpu)
{
    struct pcpu *cpu = vcpu ? vcpu->pcpu : this_pcpu();
    struct vcpu *next;

    do {
        bool contended;
        next = choose(cpu, &contended);
        if (contended)
            timer_arm(&cpu->slice_end, cpu->switched_in + next->slice);
        else
            timer_disarm(&cpu->slice_end);
        switch_to(cpu, next, cpu->residents > 1);
    } while (__atomic_load_n(&next->hazard, __ATOMIC_ACQUIRE) & HAZARD_RESCHED);
    return next;
}

void sched_start(uint64_t stack_top)
{
    struct pcpu *cpu = this_pcpu();

    cpu->stack_top = stack_top;
    guest_enter(sched_enter(NULL));
}
