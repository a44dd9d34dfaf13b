/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of deadlines, earliest first: a 4-ary heap of pointers. Pure data structure, for
 * timer/ and for those whom core lets wait by virtual time. May include platform/types.h,
 * platform/panic.h and timer/timer.h.
 */
#ifndef TIMER_QUEUE_H
#define TIMER_QUEUE_H

#include "timer/timer.h"

struct deadline_queue {
    uint32_t count;
    struct deadline *slot[TIMER_MAX_DEADLINES]; /* the first is NULL if there is none */
};

/* When the earliest deadline, slot[0], is; TIMER_NEVER if there is none. */
static inline uint64_t queue_when(const struct deadline_queue *queue)
{
    return queue->slot[0] ? queue->slot[0]->when : TIMER_NEVER;
}

/* Adds a deadline that is in no queue, ordered by its `when`. Returns false when the queue is full.
 */
bool queue_insert(struct deadline_queue *queue, struct deadline *deadline);

/* Takes out a deadline that is in this queue (asserted). */
void queue_remove(struct deadline_queue *queue, struct deadline *deadline);

/*
 * Puts a deadline that is in no queue, and not earlier than the one in slot[index], in its place or
 * below; that one is in no queue then.
 */
void queue_put_below(struct deadline_queue *queue, uint32_t index, struct deadline *deadline);

/* Changes `when` of a deadline that is in this queue (asserted). */
void queue_move(struct deadline_queue *queue, struct deadline *deadline, uint64_t when);

#endif
