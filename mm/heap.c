/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's heap: a table of owners, one a page, at the start of the heap itself; first fit. Allocation
 * is rare (boot, domain creation) and small, so a scan is what it takes. May call platform.
 */
#include "mm/heap.h"

#include "platform/panic.h"
#include "platform/spinlock.h"
#include "platform/string.h"

struct heap_pages heap_pages;

static spinlock_t lock;
static uint64_t heap_base; /* physical */
static uint64_t heap_size;
static uint8_t *heap_start; /* EL2 address of heap_base */
static uint16_t *owners;
static uint64_t lowest; /* no page below is free */

void heap_init(pa_t base, uint64_t size, void *el2_va)
{
    assert(size > 0 && (base.v | size) % PAGE_SIZE == 0);
    uint64_t table = align_up(size / PAGE_SIZE * sizeof(*owners), PAGE_SIZE) / PAGE_SIZE;

    heap_base = base.v;
    heap_size = size;
    heap_start = el2_va;
    owners = el2_va;
    heap_pages.total = size / PAGE_SIZE;
    heap_pages.free = heap_pages.total - table;
    lowest = table;
    for (uint64_t i = 0; i < heap_pages.total; i++)
        owners[i] = i < table ? HEAP_OWNER_TARN : HEAP_OWNER_FREE;
}

static bool is_free(uint64_t first, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        if (owners[first + i] != HEAP_OWNER_FREE)
            return false;
    return true;
}

/* First free run, aligned to the power of two that holds it: concatenated tables want that. */
static void *take(unsigned pages, uint16_t owner)
{
    uint64_t align = 1;

    while (align < pages)
        align *= 2;
    uint64_t skew = heap_base / PAGE_SIZE % align;
    while (lowest < heap_pages.total && owners[lowest] != HEAP_OWNER_FREE)
        lowest++;
    uint64_t first = align_up(lowest + skew, align) - skew;
    for (uint64_t i = first; i + pages <= heap_pages.total; i += align) {
        if (!is_free(i, pages))
            continue;
        for (unsigned p = 0; p < pages; p++)
            owners[i + p] = owner;
        heap_pages.free -= pages;
        return heap_start + i * PAGE_SIZE;
    }
    return NULL;
}

void *heap_alloc(unsigned pages, uint16_t owner)
{
    assert(pages > 0 && owner != HEAP_OWNER_FREE);
    spin_lock(&lock);
    void *found = take(pages, owner);
    spin_unlock(&lock);
    if (found)
        memset(found, 0, pages * PAGE_SIZE);
    return found;
}

void heap_free(void *pages, unsigned count, uint16_t owner)
{
    uint64_t first = (heap_pa(pages).v - heap_base) / PAGE_SIZE;

    assert(heap_pa(pages).v % PAGE_SIZE == 0 && count > 0 && count <= heap_pages.total - first);
    spin_lock(&lock);
    for (unsigned i = 0; i < count; i++) {
        assert(owners[first + i] == owner);
        owners[first + i] = HEAP_OWNER_FREE;
    }
    heap_pages.free += count;
    lowest = MIN(lowest, first);
    spin_unlock(&lock);
}

pa_t heap_pa(const void *va)
{
    uint64_t offset = (uint64_t)((const uint8_t *)va - heap_start);

    assert((const uint8_t *)va >= heap_start && offset < heap_size);
    return pa(heap_base + offset);
}

void *heap_va(pa_t address)
{
    assert(address.v >= heap_base && address.v - heap_base < heap_size);
    return heap_start + (address.v - heap_base);
}

uint64_t heap_free_all(uint16_t owner)
{
    uint64_t count = 0;

    assert(owner < HEAP_OWNER_TARN);
    spin_lock(&lock);
    for (uint64_t i = 0; i < heap_pages.total; i++) {
        if (owners[i] != owner)
            continue;
        owners[i] = HEAP_OWNER_FREE;
        lowest = MIN(lowest, i);
        count++;
    }
    heap_pages.free += count;
    spin_unlock(&lock);
    return count;
}
