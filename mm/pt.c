/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map, unmap, split, look up; see pt.h. Entries change by break-before-make (Arm ARM D8.14.1): a valid
 * entry becomes invalid, TLBs are told, and only then is another valid one written.
 */
#include "mm/pt.h"

#include "platform/panic.h"

#define LEAF_LEVEL 3

static unsigned shift_of(unsigned level)
{
    return PAGE_SHIFT + 9 * (LEAF_LEVEL - level);
}

static uint64_t size_of(unsigned level)
{
    return BIT(shift_of(level));
}

static bool in_tables(const struct pt *pt, uint64_t va, uint64_t size)
{
    uint64_t limit = (uint64_t)pt->root_entries << shift_of(pt->start_level);

    return va < limit && size <= limit - va;
}

static bool is_table(uint64_t entry, unsigned level)
{
    return level < LEAF_LEVEL && (entry & (PT_VALID | PT_TABLE)) == (PT_VALID | PT_TABLE);
}

static uint64_t leaf(uint64_t pa, uint64_t attrs, unsigned level)
{
    return pa | attrs | PT_VALID | (level == LEAF_LEVEL ? PT_TABLE : 0);
}

static void set(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

/* The entry that decides about va: a leaf, or an invalid one; its level. va is inside the tables. */
static uint64_t *find(const struct pt *pt, uint64_t va, unsigned *level)
{
    uint64_t *table = pt->root;
    unsigned at = pt->start_level;
    uint64_t *entry = &table[va >> shift_of(at)];

    while (is_table(*entry, at)) {
        table = pt->ops->va(*entry & PT_ADDRESS);
        at++;
        entry = &table[(va >> shift_of(at)) & (PT_ENTRIES - 1)];
    }
    *level = at;
    return entry;
}

/* Puts a table below an invalid entry. */
static bool add_table(struct pt *pt, uint64_t *entry)
{
    uint64_t *table = pt->ops->alloc(pt->context);

    if (!table)
        return false;
    pt->ops->publish();
    set(entry, pt->ops->pa(table) | PT_VALID | PT_TABLE);
    return true;
}

static bool is_empty(const uint64_t *table)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (table[i] & PT_VALID)
            return false;
    return true;
}

/* Frees the empty tables on the path to va, lowest first. */
static void prune(struct pt *pt, uint64_t va)
{
    uint64_t *path[LEAF_LEVEL + 1]; /* entries that point to tables */
    unsigned depth = 0;
    unsigned level = pt->start_level;
    uint64_t *entry = &pt->root[va >> shift_of(level)];

    while (is_table(*entry, level)) {
        uint64_t *table = pt->ops->va(*entry & PT_ADDRESS);
        path[depth++] = entry;
        level++;
        entry = &table[(va >> shift_of(level)) & (PT_ENTRIES - 1)];
    }
    while (depth > 0) {
        uint64_t *table = pt->ops->va(*path[--depth] & PT_ADDRESS);
        if (!is_empty(table))
            return;
        set(path[depth], 0);
        pt->ops->publish();
        pt->ops->invalidate(pt->context, va);
        pt->ops->sync(pt->context);
        pt->ops->free(pt->context, table);
    }
}

/* Level of the largest leaf for va -> pa with size bytes to go, not above `from`. */
static unsigned leaf_level(uint64_t va, uint64_t pa, uint64_t size, unsigned from)
{
    unsigned level = MAX(from, 1u);

    while (level < LEAF_LEVEL && (((va | pa) & (size_of(level) - 1)) || size < size_of(level)))
        level++;
    return level;
}

/* One leaf. Returns its size, or 0 if something is there or no table page is to be had. */
static uint64_t map_one(struct pt *pt, uint64_t va, uint64_t pa, uint64_t size, uint64_t attrs)
{
    unsigned level;
    uint64_t *entry = find(pt, va, &level);
    unsigned wanted = leaf_level(va, pa, size, level);

    while (level < wanted) {
        if ((*entry & PT_VALID) || !add_table(pt, entry))
            return 0;
        entry = find(pt, va, &level);
    }
    if (*entry & PT_VALID)
        return 0;
    set(entry, leaf(pa, attrs, level));
    return size_of(level);
}

bool pt_map(struct pt *pt, uint64_t va, uint64_t pa, uint64_t size, uint64_t attrs)
{
    assert(((va | pa | size) & (PAGE_SIZE - 1)) == 0 && (attrs & ~PT_ATTRS) == 0);
    if (!in_tables(pt, va, size))
        return false;
    for (uint64_t done = 0; done < size;) {
        uint64_t mapped = map_one(pt, va + done, pa + done, size - done, attrs);
        if (mapped == 0) {
            /* Whole leaves of ours: nothing to split. Then tables the failed step left empty. */
            bool undone = pt_unmap(pt, va, done);
            assert(undone);
            prune(pt, va + done);
            return false;
        }
        done += mapped;
    }
    pt->ops->publish();
    return true;
}

/* Replaces a block by a table of smaller leaves that map the same. */
static bool split(struct pt *pt, uint64_t *entry, unsigned level, uint64_t va)
{
    uint64_t old = *entry;
    uint64_t *table = pt->ops->alloc(pt->context);

    if (!table)
        return false;
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        table[i] = leaf((old & PT_ADDRESS) + i * size_of(level + 1), old & PT_ATTRS, level + 1);
    set(entry, 0);
    pt->ops->publish();
    pt->ops->invalidate(pt->context, va);
    pt->ops->sync(pt->context);
    set(entry, pt->ops->pa(table) | PT_VALID | PT_TABLE);
    pt->ops->publish();
    return true;
}

/* Makes `at` a boundary between leaves. */
static bool split_at(struct pt *pt, uint64_t at)
{
    unsigned level;

    if (!in_tables(pt, at, 1))
        return true; /* the end of the tables is one */
    for (;;) {
        uint64_t *entry = find(pt, at, &level);
        if (!(*entry & PT_VALID) || (at & (size_of(level) - 1)) == 0)
            return true;
        if (!split(pt, entry, level, at & ~(size_of(level) - 1)))
            return false;
    }
}

bool pt_unmap(struct pt *pt, uint64_t va, uint64_t size)
{
    uint64_t end = va + size;
    bool cleared = false;
    unsigned level;

    assert(((va | size) & (PAGE_SIZE - 1)) == 0);
    if (!in_tables(pt, va, size) || !split_at(pt, va) || !split_at(pt, end))
        return false;
    for (uint64_t at = va; at < end; at = (at | (size_of(level) - 1)) + 1) {
        uint64_t *entry = find(pt, at, &level);
        if (!(*entry & PT_VALID))
            continue;
        set(entry, 0);
        pt->ops->publish();
        pt->ops->invalidate(pt->context, at);
        cleared = true;
    }
    if (cleared)
        pt->ops->sync(pt->context);
    for (uint64_t at = va; at < end; at = (at | (size_of(level) - 1)) + 1) {
        prune(pt, at);
        (void)find(pt, at, &level);
    }
    return true;
}

bool pt_lookup(const struct pt *pt, uint64_t va, uint64_t *pa, uint64_t *descriptor)
{
    unsigned level;

    if (!in_tables(pt, va, 1))
        return false;
    uint64_t *entry = find(pt, va, &level);
    if (!(*entry & PT_VALID))
        return false;
    *pa = (*entry & PT_ADDRESS) + (va & (size_of(level) - 1));
    if (descriptor)
        *descriptor = *entry;
    return true;
}

/* Recursion is at most three deep, one step a level. */
static void free_below(struct pt *pt, uint64_t *table, unsigned entries, unsigned level)
{
    for (unsigned i = 0; i < entries; i++) {
        if (!is_table(table[i], level))
            continue;
        uint64_t *next = pt->ops->va(table[i] & PT_ADDRESS);
        if (level + 1 < LEAF_LEVEL)
            free_below(pt, next, PT_ENTRIES, level + 1);
        table[i] = 0;
        pt->ops->free(pt->context, next);
    }
}

void pt_free_tables(struct pt *pt)
{
    free_below(pt, pt->root, pt->root_entries, pt->start_level);
}
