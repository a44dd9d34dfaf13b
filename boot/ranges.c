/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of address ranges; see ranges.h. Calls nothing. */
#include "boot/ranges.h"

static uint64_t end_of(const struct pa_range *range)
{
    return range->base + range->size;
}

static void erase(struct ranges *set, unsigned at)
{
    set->count--;
    for (unsigned i = at; i < set->count; i++)
        set->range[i] = set->range[i + 1];
}

static bool insert(struct ranges *set, unsigned at, uint64_t base, uint64_t end)
{
    if (set->count == RANGES_MAX)
        return false;
    for (unsigned i = set->count; i > at; i--)
        set->range[i] = set->range[i - 1];
    set->range[at] = (struct pa_range){base, end - base};
    set->count++;
    return true;
}

bool ranges_add(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t end = base + size;
    unsigned at = 0;

    if (size == 0 || end < base)
        return size == 0;
    while (at < set->count && end_of(&set->range[at]) < base)
        at++;
    while (at < set->count && set->range[at].base <= end) {
        base = MIN(base, set->range[at].base);
        end = MAX(end, end_of(&set->range[at]));
        erase(set, at);
    }
    return insert(set, at, base, end);
}

bool ranges_remove(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t end = base + size < base ? UINT64_MAX : base + size;
    unsigned at = 0;

    while (size != 0 && at < set->count) {
        struct pa_range old = set->range[at];
        if (end_of(&old) <= base || old.base >= end) {
            at++;
            continue;
        }
        erase(set, at);
        if (end_of(&old) > end && !insert(set, at, end, end_of(&old)))
            return false;
        if (old.base < base && !insert(set, at++, old.base, base))
            return false;
    }
    return true;
}

bool ranges_contain(const struct ranges *set, uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < set->count; i++)
        if (base >= set->range[i].base && base < end_of(&set->range[i]))
            return size <= end_of(&set->range[i]) - base;
    return false;
}

bool ranges_find(const struct ranges *set, uint64_t size, uint64_t align, uint64_t *base)
{
    for (unsigned i = 0; i < set->count; i++) {
        uint64_t at = align_up(set->range[i].base, align);
        if (at >= set->range[i].base && at < end_of(&set->range[i]) &&
            size <= end_of(&set->range[i]) - at) {
            *base = at;
            return true;
        }
    }
    return false;
}

uint64_t ranges_total(const struct ranges *set)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < set->count; i++)
        total += set->range[i].size;
    return total;
}
