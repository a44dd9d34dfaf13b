/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted set of disjoint address ranges: RAM, less this, less that. Pure logic.
 * May include platform/types.h.
 */
#ifndef BOOT_RANGES_H
#define BOOT_RANGES_H

#include "platform/types.h"

#define RANGES_MAX 192 /* devices of the largest boards: about 100 */

struct ranges {
    unsigned count;
    struct pa_range range[RANGES_MAX]; /* by base; neighbours are joined */
};

/* Adds [base, base + size); may overlap what is there. Returns false when the set is full. */
bool ranges_add(struct ranges *set, uint64_t base, uint64_t size);

/* Takes [base, base + size) out. Returns false when the set is full (a hole splits a range). */
bool ranges_remove(struct ranges *set, uint64_t base, uint64_t size);

/* True if all of [base, base + size) is in the set. */
bool ranges_contain(const struct ranges *set, uint64_t base, uint64_t size);

/*
 * Lowest address, a multiple of align, at which size bytes fit. Returns false if nowhere.
 * align: a power of two.
 */
bool ranges_find(const struct ranges *set, uint64_t size, uint64_t align, uint64_t *base);

/* Sum of sizes. */
uint64_t ranges_total(const struct ranges *set);

#endif
