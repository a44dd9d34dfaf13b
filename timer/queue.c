/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 4-ary heap of deadlines. Four children a node: half the levels of a binary heap, and the
 * children lie in one or two cache lines. May include what timer/queue.h says.
 */
#include "timer/queue.h"

#include "platform/panic.h"

#define CHILDREN 4

static void place(struct deadline_queue *queue, uint32_t index, struct deadline *deadline)
{
    queue->slot[index] = deadline;
    deadline->index = index;
}

/* Moves the hole at index towards the root until deadline fits in it. */
static void sift_up(struct deadline_queue *queue, uint32_t index, struct deadline *deadline)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / CHILDREN;
        if (queue->slot[parent]->when <= deadline->when)
            break;
        place(queue, index, queue->slot[parent]);
        index = parent;
    }
    place(queue, index, deadline);
}

static uint32_t earliest_child(const struct deadline_queue *queue, uint32_t index)
{
    uint32_t first = index * CHILDREN + 1;
    uint32_t end = MIN(first + CHILDREN, queue->count);
    uint32_t best = first;
    for (uint32_t child = first + 1; child < end; child++)
        if (queue->slot[child]->when < queue->slot[best]->when)
            best = child;
    return best;
}

/* Moves the hole at index towards the leaves until deadline fits in it. */
void queue_put_below(struct deadline_queue *queue, uint32_t index, struct deadline *deadline)
{
    while (index * CHILDREN + 1 < queue->count) {
        uint32_t child = earliest_child(queue, index);
        if (queue->slot[child]->when >= deadline->when)
            break;
        place(queue, index, queue->slot[child]);
        index = child;
    }
    place(queue, index, deadline);
}

static void assert_inside(const struct deadline_queue *queue, const struct deadline *deadline)
{
    assert(deadline->index < queue->count);
    assert(queue->slot[deadline->index] == deadline);
}

bool queue_insert(struct deadline_queue *queue, struct deadline *deadline)
{
    if (queue->count == TIMER_MAX_DEADLINES)
        return false;
    sift_up(queue, queue->count++, deadline);
    return true;
}

/* Puts deadline into the hole at index, which may be too high or too low for it. */
static void refill(struct deadline_queue *queue, uint32_t index, struct deadline *deadline)
{
    if (index > 0 && deadline->when < queue->slot[(index - 1) / CHILDREN]->when)
        sift_up(queue, index, deadline);
    else
        queue_put_below(queue, index, deadline);
}

void queue_remove(struct deadline_queue *queue, struct deadline *deadline)
{
    assert_inside(queue, deadline);
    struct deadline *last = queue->slot[--queue->count];
    queue->slot[queue->count] = NULL;
    if (last != deadline)
        refill(queue, deadline->index, last);
}

void queue_move(struct deadline_queue *queue, struct deadline *deadline, uint64_t when)
{
    assert_inside(queue, deadline);
    deadline->when = when;
    refill(queue, deadline->index, deadline);
}
