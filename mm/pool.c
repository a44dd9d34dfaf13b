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

struct pool_blocks pool_blocks;

static spinlock_t lock;
static const struct pa_range *ranges;
static unsigned range_count;
static uint16_t *owners;
static uint64_t hint; /* no free block below */

bool pool_init(const struct pa_range *from, unsigned count)
{
    pool_blocks.total = 0;
    hint = 0;
    ranges = from;
    range_count = count;
    for (unsigned i = 0; i < count; i++) {
        assert(from[i].base % BLOCK_2M == 0 && from[i].size % BLOCK_2M == 0);
        pool_blocks.total += from[i].size / BLOCK_2M;
    }
    if (pool_blocks.total == 0)
        return true;
    uint64_t bytes = align_up(pool_blocks.total * sizeof(*owners), PAGE_SIZE);
    owners = heap_alloc((unsigned)(bytes / PAGE_SIZE), HEAP_OWNER_TARN);
    if (!owners)
        return false;
    for (uint64_t i = 0; i < pool_blocks.total; i++)
        owners[i] = POOL_OWNER_FREE;
    pool_blocks.free = pool_blocks.total;
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

/* First of 512 free ones that are an aligned GiB: the highest, as others are taken from below. */
static uint64_t find_gib(void)
{
    const uint64_t count = GIB / BLOCK_2M;

    for (uint64_t i = pool_blocks.total, run = 0; i-- > 0;) {
        run = owners[i] == POOL_OWNER_FREE ? run + 1 : 0;
        if (run >= count && address_of(i).v % GIB == 0 &&
            address_of(i + count - 1).v - address_of(i).v == GIB - BLOCK_2M)
            return i;
    }
    return pool_blocks.total;
}

static uint64_t choose(pa_t after)
{
    uint64_t i = after.v == POOL_ANYWHERE.v  ? pool_blocks.total
                 : after.v == POOL_NEW_GIB.v ? find_gib()
                                             : index_of(after) + 1;

    if (i < pool_blocks.total && owners[i] == POOL_OWNER_FREE)
        return i;
    while (hint < pool_blocks.total && owners[hint] != POOL_OWNER_FREE)
        hint++;
    return hint;
}

bool pool_alloc(uint16_t owner, pa_t after, pa_t *block)
{
    spin_lock(&lock);
    uint64_t i = choose(after);
    bool found = i < pool_blocks.total;
    if (found) {
        owners[i] = owner;
        pool_blocks.free--;
    }
    spin_unlock(&lock);
    if (!found)
        return false;
    *block = address_of(i);
    scrub(*block);
    return true;
}

static bool is_shared(uint16_t owner)
{
    return owner > POOL_SHARED && owner != POOL_OWNER_FREE;
}

bool pool_share(pa_t block)
{
    uint16_t *owner = &owners[index_of(block)];

    spin_lock(&lock);
    bool shared = is_shared(*owner) && is_shared((uint16_t)(*owner + 1));
    *owner = (uint16_t)(*owner + shared);
    spin_unlock(&lock);
    return shared;
}

void pool_free(pa_t block, uint16_t owner)
{
    uint64_t i = index_of(block);

    spin_lock(&lock);
    assert(owner == POOL_SHARED ? is_shared(owners[i]) : owners[i] == owner);
    if (owner != POOL_SHARED || --owners[i] == POOL_SHARED) {
        owners[i] = POOL_OWNER_FREE;
        pool_blocks.free++;
        hint = MIN(hint, i);
    }
    spin_unlock(&lock);
}

uint64_t pool_bytes_of(uint16_t owner)
{
    uint64_t count = 0;

    spin_lock(&lock);
    for (uint64_t i = 0; i < pool_blocks.total; i++)
        count += owners[i] == owner;
    spin_unlock(&lock);
    return count * BLOCK_2M;
}
