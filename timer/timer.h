/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time at EL2: the EL2 physical timer (CNTHP, PPI 26) with a per-CPU queue of deadlines. Times are in
 * ticks of the system counter (CNTPCT_EL0). May include platform and mm.
 */
#ifndef TIMER_TIMER_H
#define TIMER_TIMER_H

#include "platform/types.h"

#define TIMER_EL2_INTID  26 /* CNTHP */
#define TIMER_NEVER      UINT64_MAX

/* Somebody who wants to be called at a time. Lives in its owner; a zeroed one is valid and not armed. */
struct deadline {
    uint64_t when;                      /* ticks */
    void (*expired)(struct deadline *); /* called on the CPU it was armed on, IRQs masked, not armed */
    uint8_t cpu;                        /* where it is armed */
    bool armed;
    uint32_t index;                     /* place in the queue */
};

/* Reads the counter frequency. Boot CPU; then each CPU: prepares CNTHP and guest access to timers. */
void timer_init(void);
void timer_init_cpu(void);

uint64_t timer_now(void); /* ticks */
uint64_t timer_frequency(void); /* Hz */
uint64_t timer_ns_to_ticks(uint64_t ns);
uint64_t timer_ticks_to_ns(uint64_t ticks);

/*
 * Arms (or moves) a deadline on the calling CPU. Returns false when the CPU's queue is full, which
 * core rules out by its limits (TIMER_MAX_DEADLINES per CPU). Logarithmic. The queue belongs to its
 * CPU: no lock, IRQs masked.
 */
bool timer_arm(struct deadline *deadline, uint64_t when);

/* Disarms; nothing if it is not armed. On the CPU where it is armed (asserted). */
void timer_disarm(struct deadline *deadline);

/* The EL2 timer interrupt: calls what has expired, at most TIMER_MAX_BATCH a time, and reprograms CNTHP. */
void timer_interrupt(void);

#define TIMER_MAX_DEADLINES 512
#define TIMER_MAX_BATCH     32

#endif
