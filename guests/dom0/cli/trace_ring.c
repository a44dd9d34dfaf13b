/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a ring of the trace, as guests/abi/notify.h says: copy, then see what may have been
 * overwritten meanwhile.
 */
#include "guests/dom0/cli/trace_ring.h"

#include <string.h>

static uint64_t head_of(const struct trace_ring *ring)
{
    return __atomic_load_n(&ring->page->cpu[ring->cpu].head, __ATOMIC_ACQUIRE);
}

void trace_ring_open(struct trace_ring *ring, const struct tarn_trace_page *page, unsigned cpu,
                     uint64_t slots)
{
    *ring = (struct trace_ring){
        .page = page,
        .slot = (const struct tarn_trace_record *)(page + 1) + cpu * slots,
        .cpu = cpu,
        .slots = slots,
    };
    ring->next = head_of(ring);
}

static void copy(const struct trace_ring *ring, struct tarn_trace_record *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = ring->slot[(ring->next + i) % ring->slots];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* The first record that is surely whole: the one that is being written takes the oldest's place. */
static uint64_t oldest(const struct trace_ring *ring)
{
    uint64_t head = head_of(ring);

    return head + 1 > ring->slots ? head + 1 - ring->slots : 0;
}

size_t trace_ring_read(struct trace_ring *ring, struct tarn_trace_record *to, size_t most)
{
    for (;;) {
        uint64_t first = oldest(ring), head = head_of(ring);

        if (ring->next < first) {
            ring->lost += first - ring->next;
            ring->next = first;
        }
        size_t count = head - ring->next < most ? head - ring->next : most;
        if (count == 0)
            return 0;
        copy(ring, to, count);
        first = oldest(ring);
        size_t gone = first <= ring->next          ? 0
                      : first - ring->next < count ? first - ring->next
                                                   : count;
        memmove(to, to + gone, (count - gone) * sizeof(*to));
        ring->lost += gone;
        ring->next += count;
        if (gone < count)
            return count - gone;
    }
}
