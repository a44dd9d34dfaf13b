/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EL2 physical timer and its deadlines. CNTHP stays enabled for good: an empty queue is a
 * compare value that the 64-bit counter never reaches, so a change of plan is one register write.
 * May include platform and timer.
 */
#include "timer/timer.h"

#include "platform/cpu.h"
#include "platform/panic.h"
#include "platform/sysreg.h"
#include "timer/queue.h"

#define NS_PER_S         1000000000ul
#define CNTHP_CTL_ENABLE 1ul
/* CNTHCTL_EL2: EL1 and EL0 read CNTPCT without a trap; EL1PCEN = 0 traps CNTP_*. */
#define CNTHCTL_EL1PCTEN 1ul

static struct timer_cpu {
    struct deadline_queue queue;
    uint64_t slice;      /* when the slice of who runs ends */
    uint64_t programmed; /* what CNTHP_CVAL_EL2 holds */
} __attribute__((aligned(64))) timers[MAX_CPUS];

static uint64_t frequency;

/* The calling CPU's. The compiler is not to work out its address anew at every use. */
static inline struct timer_cpu *own_timer(void)
{
    struct timer_cpu *timer = &timers[cpu_id()];

    __asm__("" : "+r"(timer));
    return timer;
}

void timer_init(void)
{
    frequency = sysreg_read(cntfrq_el0) & UINT32_MAX;
    if (frequency == 0)
        panic("timer: CNTFRQ_EL0 is 0: the firmware has to set the counter's frequency");
}

void timer_init_cpu(void)
{
    struct timer_cpu *timer = own_timer();
    sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN);
    timer->slice = timer->programmed = TIMER_NEVER;
    sysreg_write(cnthp_cval_el2, TIMER_NEVER);
    sysreg_write(cnthp_ctl_el2, CNTHP_CTL_ENABLE);
    isb();
}

/* Whole seconds apart from the rest, so that no product exceeds 64 bits. */
uint64_t timer_ns_to_ticks(uint64_t ns)
{
    return ns / NS_PER_S * frequency + ns % NS_PER_S * frequency / NS_PER_S;
}

uint64_t timer_ticks_to_ns(uint64_t ticks)
{
    return ticks / frequency * NS_PER_S + ticks % frequency * NS_PER_S / frequency;
}

static void program(struct timer_cpu *timer)
{
    uint64_t when = MIN(queue_when(&timer->queue), timer->slice);
    if (when == timer->programmed)
        return;
    timer->programmed = when;
    sysreg_write(cnthp_cval_el2, when);
}

void timer_set_slice(uint64_t when)
{
    struct timer_cpu *timer = own_timer();
    timer->slice = when;
    program(timer);
}

bool timer_arm(struct deadline *deadline, uint64_t when)
{
    struct timer_cpu *timer = own_timer();
    if (when == TIMER_NEVER) {
        timer_disarm(deadline);
        return true;
    }
    if (deadline->timer) {
        assert(deadline->timer == timer);
        queue_move(&timer->queue, deadline, when);
    } else {
        deadline->when = when;
        if (!queue_insert(&timer->queue, deadline))
            return false;
        deadline->timer = timer;
    }
    program(timer);
    return true;
}

void timer_disarm(struct deadline *deadline)
{
    if (!deadline->timer)
        return;
    struct timer_cpu *timer = own_timer();
    assert(deadline->timer == timer);
    queue_remove(&timer->queue, deadline);
    deadline->timer = NULL;
    program(timer);
}

static __attribute__((noinline)) void call_expired(struct timer_cpu *timer, uint64_t now)
{
    for (unsigned calls = 0; calls < TIMER_MAX_BATCH && queue_when(&timer->queue) <= now; calls++) {
        struct deadline *first = timer->queue.slot[0];
        queue_remove(&timer->queue, first);
        first->timer = NULL;
        first->expired(first);
    }
    program(timer);
    isb(); /* the interrupt line has dropped before the caller deactivates the interrupt */
}

bool timer_interrupt(void)
{
    struct timer_cpu *timer = own_timer();
    uint64_t now = timer_now();
    if (queue_when(&timer->queue) <= now)
        call_expired(timer, now);
    return timer->slice <= now;
}
