/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a ring of the trace while its CPU writes. May include guests/abi.
 */
#ifndef CLI_TRACE_RING_H
#define CLI_TRACE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "guests/abi/notify.h"

struct trace_ring {
    const struct tarn_trace_page *page;
    const struct tarn_trace_record *slot; /* its records */
    unsigned cpu;
    uint64_t slots;
    uint64_t next; /* number of the record to be read next */
    uint64_t lost; /* records that were overwritten before they were read */
};

/* The ring of a CPU, from what is written from now on. */
void trace_ring_open(struct trace_ring *ring, const struct tarn_trace_page *page, unsigned cpu,
                     uint64_t slots);

/*
 * Copies records, `most` at most, in their order. Returns how many; 0: there are no new ones.
 * Counts in ring->lost what is missing before the first of them.
 */
size_t trace_ring_read(struct trace_ring *ring, struct tarn_trace_record *to, size_t most);

#endif
