/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual time: a tick counts SHARE_WEIGHT / weight, and who has the least goes first. May include
 * what share.h says.
 */
#include "core/share.h"

#include "platform/panic.h"

#define PACE_BITS 20

struct share_times share_times;

/*
 * Virtual time that so many ticks are worth to it. Of hours that it ran alone a part is lost to 64
 * bits: nobody waited, and the floor went along.
 */
static uint64_t paid_for(const struct share *share, uint64_t ticks)
{
    return ticks * share->pace >> PACE_BITS;
}

void share_init(struct run_queue *queue)
{
    queue->floor = share_times.credit; /* so that floor - credit is a time */
}

void share_put_back(struct run_queue *queue, struct share *share)
{
    bool fits = queue_insert(&queue->waiting, &share->ready);

    assert(fits && !share->waits);
    share->waits = true;
    queue->movable += share->elsewhere;
}

void share_take(struct run_queue *queue, struct share *share)
{
    assert(share->waits);
    queue_remove(&queue->waiting, &share->ready);
    share->waits = false;
    queue->movable -= share->elsewhere;
}

struct share *share_next(struct run_queue *queue, struct share *share)
{
    struct share *first = share_first(queue);

    if (!first || (share && share->ready.when < first->ready.when))
        return share;
    if (!share) {
        share_take(queue, first);
        return first;
    }
    queue_put_below(&queue->waiting, 0, &share->ready);
    share->waits = true;
    first->waits = false;
    queue->movable += (uint32_t)share->elsewhere - first->elsewhere;
    return first;
}

/* What it is ahead of the others stays as many ticks of its own as before. */
static void change_pace(const struct run_queue *queue, struct share *share, uint64_t pace)
{
    uint64_t ahead = share->ready.when - queue->floor;

    if (share->pace && share->ready.when > queue->floor)
        share->ready.when =
            queue->floor + (ahead << PACE_BITS) / share->pace * pace / BIT(PACE_BITS);
    share->pace = pace;
}

void share_set(struct run_queue *queue, struct share *share, uint32_t weight, uint64_t cap)
{
    bool waits = share->waits;

    assert(weight > 0 && weight <= SHARE_WEIGHT_MAX);
    if (waits)
        share_take(queue, share);
    if (share->counted)
        queue->load += weight - (uint64_t)share->weight;
    share->weight = weight;
    share->cap = cap;
    share->used = MIN(share->used, cap); /* what it ran without, or with a higher one, is over */
    change_pace(queue, share, ((uint64_t)SHARE_WEIGHT << PACE_BITS) / weight);
    if (waits)
        share_put_back(queue, share);
}

void share_join(struct run_queue *queue, struct share *share, uint64_t price)
{
    uint64_t credit = MIN(share_times.credit, paid_for(share, share_times.credit));

    share->ready.when = MAX(share->ready.when, queue->floor - credit) + paid_for(share, price);
    if (!share->counted)
        queue->load += share->weight;
    share->counted = true;
    share_put_back(queue, share);
}

void share_leave(struct run_queue *queue, struct share *share)
{
    if (share->waits)
        share_take(queue, share);
    assert(share->counted);
    share->counted = false;
    queue->load -= share->weight;
}

void share_charge(struct run_queue *queue, struct share *share, uint64_t ticks)
{
    uint64_t when = share->ready.when + paid_for(share, ticks);
    uint64_t first = queue_when(&queue->waiting);

    share->ready.when = when;
    share->used += ticks;
    queue->floor = MAX(queue->floor, MIN(first, when));
}

void share_yield(const struct run_queue *queue, struct share *share)
{
    const struct share *first = share_first(queue);

    if (first)
        share->ready.when = MAX(share->ready.when, first->ready.when + 1);
}

uint64_t share_allowance(struct share *share, uint64_t now)
{
    if (share->cap == 0)
        return UINT64_MAX;
    uint64_t period = now / share_times.period;
    if (period != share->period) {
        /* What it ran too long counts later. */
        share->used -= MIN(share->used, share->cap * (period - share->period));
        share->period = period;
    }
    return share->cap - MIN(share->cap, share->used);
}
