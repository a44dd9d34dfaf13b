/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proportional share: virtual time, weights and caps of those who want a CPU, and the queue they
 * wait in. Pure data: no lock, no vCPU, no clock. docs/scheduler.md says why it is fair.
 * May include platform, timer.
 *
 * All functions: with the lock held that guards the queue.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "timer/queue.h"

#define SHARE_WEIGHT     256 /* default */
#define SHARE_WEIGHT_MAX 65535

/* A zeroed one must be given a weight. */
struct share {
    struct deadline ready; /* `when`: its virtual time */
    bool waits;            /* in a queue, by `ready` */
    bool counted;          /* waits or runs: its weight is in the load */
    bool elsewhere;        /* other CPUs may run it, too; see `movable` */
    uint32_t weight;
    uint64_t pace;   /* virtual ticks for 2^20 ticks */
    uint64_t cap;    /* ticks it may run in each period, 0: as many as it gets */
    uint64_t used;   /* of the cap, */
    uint64_t period; /* in this period */
};

struct run_queue {
    struct deadline_queue waiting; /* by virtual time */
    uint64_t floor;   /* never falls: virtual time that nobody who wants to run is behind of much */
    uint64_t load;    /* weights of those who wait or run; other CPUs read it as a hint */
    uint32_t movable; /* of those who wait, the ones that may run elsewhere; as well */
};

/* What share.c needs to know of time, in ticks; set once. */
extern struct share_times {
    uint64_t credit; /* time that who slept has not paid for, at most */
    uint64_t period; /* of caps */
} share_times;

void share_init(struct run_queue *queue);

/* weight: 1..SHARE_WEIGHT_MAX. cap: ticks a period. It may wait or run in `queue` or not. */
void share_set(struct run_queue *queue, struct share *share, uint32_t weight, uint64_t cap);

/*
 * It wants to run from now on: waits, with its virtual time brought near that of the others, for it
 * is no merit not to have run, and with `price` ticks to pay.
 */
void share_join(struct run_queue *queue, struct share *share, uint64_t price);

/* It does not want to any more. */
void share_leave(struct run_queue *queue, struct share *share);

/* Who waits and is to run first, or NULL. */
static inline struct share *share_first(const struct run_queue *queue)
{
    struct deadline *first = queue->waiting.slot[0];

    return first ? container_of(first, struct share, ready) : NULL;
}

/* It waits no more: it runs, or its place has to be looked for anew. */
void share_take(struct run_queue *queue, struct share *share);

/* It has run for so long more, and runs on or is to be put back. */
void share_charge(struct run_queue *queue, struct share *share, uint64_t ticks);

/* It waits again. */
void share_put_back(struct run_queue *queue, struct share *share);

/*
 * Who is to run: `share`, which wants to run on and waits nowhere, or NULL, or the first of those
 * who wait if that comes before it. The one returned, NULL if there is nobody, does not wait; the
 * other one does.
 */
struct share *share_next(struct run_queue *queue, struct share *share);

/* It lets the first of those who wait go before it; it runs. */
void share_yield(const struct run_queue *queue, struct share *share);

/* Ticks it may run until its cap stops it: 0, not before the period's end; UINT64_MAX: no cap. */
uint64_t share_allowance(struct share *share, uint64_t now);

/* When its next period begins. */
static inline uint64_t share_refill(const struct share *share)
{
    return (share->period + 1) * share_times.period;
}

#endif
