/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time at EL2: the EL2 physical timer (CNTHP, PPI 26) with a per-CPU queue of deadlines. Times are
 * in ticks of the system counter (CNTPCT_EL0). May include platform and mm.
 */
#ifndef TIMER_TIMER_H
#define TIMER_TIMER_H

#include "platform/sysreg.h"
#include "platform/types.h"

#define TIMER_EL2_INTID     26 /* CNTHP */
#define TIMER_NEVER         UINT64_MAX
#define TIMER_MAX_DEADLINES 512 /* armed at once on one CPU */
#define TIMER_MAX_BATCH     32  /* calls of expired() in one interrupt */

/* Somebody who wants to be called at a time. Lives in its owner; a zeroed one is valid and not
 * armed. */
struct deadline {
    uint64_t when; /* ticks */
    void (*expired)(
        struct deadline *);  /* called on the CPU it was armed on, IRQs masked, not armed */
    struct timer_cpu *timer; /* of the CPU where it is armed, or NULL */
    uint32_t index;          /* place in the queue */
};

/*
 * timer_init: reads the counter frequency; boot CPU, once. timer_init_cpu: each CPU; prepares CNTHP
 * and what a guest may reach without a trap (CNTHCTL_EL2, Arm ARM D13.8): counters yes, CNTP no.
 */
void timer_init(void);
void timer_init_cpu(void);

/* The system counter in ticks; not older than the last exception entry or ISB of the calling CPU.
 */
static inline uint64_t timer_now(void)
{
    return sysreg_read(cntpct_el0);
}

/* Conversions, rounded down; exact for every value at frequencies up to 1 GHz. */
uint64_t timer_ns_to_ticks(uint64_t ns);
uint64_t timer_ticks_to_ns(uint64_t ticks);

/*
 * Arms (or moves) a deadline on the calling CPU; a time in the past expires at once, by interrupt.
 * TIMER_NEVER disarms. Returns false when the CPU's queue is full, which core rules out by its
 * limits (TIMER_MAX_DEADLINES per CPU). Logarithmic. The queue belongs to its CPU: no lock, IRQs
 * masked; a deadline that is armed on another CPU must be disarmed there first (asserted).
 */
bool timer_arm(struct deadline *deadline, uint64_t when);

/* Disarms; nothing if it is not armed. On the CPU where it is armed (asserted). */
void timer_disarm(struct deadline *deadline);

/*
 * When the slice of who runs on the calling CPU ends, TIMER_NEVER for no end: a deadline that is
 * set at every switch, so it is none of the queue's.
 */
void timer_set_slice(uint64_t when);

/*
 * The EL2 timer interrupt: calls what has expired, at most TIMER_MAX_BATCH a time, and reprograms
 * CNTHP (the rest expires in the next interrupt). A callback may arm and disarm any deadline.
 * Returns true when the slice is over: the caller sees to it that timer_set_slice is called before
 * a guest is entered or the CPU waits; the interrupt stays asserted until then.
 */
bool timer_interrupt(void);

#endif
