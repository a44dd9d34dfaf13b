/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain pool: one row a block, in the order of addresses. May call mm, platform.
 */
#include "mm/pool.h"

#include "mm/el2_map.h"
#include "mm/heap.h"
#include "platform/cache.h"
#include "platform/panic.h"
#include "platform/spinlock.h"

static spinlock_t lock;
static const struct pa_range *ranges;
static unsigned range_count;
static uint16_t *owners;
static uint64_t block_count, free_count;
static uint64_t hint; /* no free block below */

bool pool_init(const struct pa_range *from, unsigned count)
{
    block_count = 0;
    hint = 0;
    ranges = from;
    range_count = count;
    for (unsigned i = 0; i < count; i++) {
        assert(from[i].base % BLOCK_2M == 0 && from[i].size % BLOCK_2M == 0);
        block_count += from[i].size / BLOCK_2M;
    }
    if (block_count == 0)
        return true;
    uint64_t bytes = align_up(block_count * sizeof(*owners), PAGE_SIZE);
    owners = heap_alloc((unsigned)(bytes / PAGE_SIZE), HEAP_OWNER_TARN);
    if (!owners)
        return false;
    for (uint64_t i = 0; i < block_count; i++)
        owners[i] = POOL_OWNER_FREE;
    free_count = block_count;
    return true;
}

static pa_t address_of(uint64_t index)
{
    unsigned i = 0;

    while (index >= ranges[i].size / BLOCK_2M)
        index -= ranges[i++].size / BLOCK_2M;
    return pa(ranges[i].base + index * BLOCK_2M);
}

static uint64_t index_of(pa_t block)
{
    uint64_t before = 0;

    for (unsigned i = 0; i < range_count; i++) {
        if (block.v >= ranges[i].base && block.v - ranges[i].base < ranges[i].size)
            return before + (block.v - ranges[i].base) / BLOCK_2M;
        before += ranges[i].size / BLOCK_2M;
    }
    panic("%lx is not a block of the pool", block.v);
}

/*
 * Zeroes a block. A guest begins with its caches off and so reads memory itself: the zeroes must be
 * there, not in a cache.
 */
static void scrub(pa_t block)
{
    void *va = window_open(block);

    cache_zero(va, BLOCK_2M);
    window_close();
    /* Nor may lines of the former owner's code meet the next one's. */
    cache_forget_instructions();
}

bool pool_alloc(uint16_t owner, pa_t *block)
{
    uint64_t i;

    spin_lock(&lock);
    for (i = hint; i < block_count && owners[i] != POOL_OWNER_FREE; i++)
        ;
    hint = i;
    bool found = i < block_count;
    if (found) {
        owners[i] = owner;
        free_count--;
    }
    spin_unlock(&lock);
    if (!found)
        return false;
    *block = address_of(i);
    scrub(*block);
    return true;
}

void pool_free(pa_t block, uint16_t owner)
{
    uint64_t i = index_of(block);

    spin_lock(&lock);
    assert(owners[i] == owner);
    owners[i] = POOL_OWNER_FREE;
    free_count++;
    hint = MIN(hint, i);
    spin_unlock(&lock);
}

uint64_t pool_bytes_total(void)
{
    return block_count * BLOCK_2M;
}

uint64_t pool_bytes_free(void)
{
    return free_count * BLOCK_2M;
}

uint64_t pool_bytes_of(uint16_t owner)
{
    uint64_t count = 0;

    spin_lock(&lock);
    for (uint64_t i = 0; i < block_count; i++)
        count += owners[i] == owner;
    spin_unlock(&lock);
    return count * BLOCK_2M;
}
