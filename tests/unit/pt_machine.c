/* SPDX-License-Identifier: Apache-2.0 */
/* See pt_machine.h. A violation of the rules fails the running test at once. */
#include "unit.h"

#include "mm/pt_store.h"
#include "pt_machine.h"

#define VALID      1ul
#define ADDRESS    0x0000fffffffff000ul
#define MAX_TABLES 8192
#define MAX_STALE  (1u << 20)

/* A page in use as a table; level and base are known once it is linked. */
struct table {
    uint64_t *page;
    uint64_t base;
    unsigned level;
    bool linked;
};

static struct table tables[MAX_TABLES];
static uint64_t table_count, root_tables, invalidations;

/* Ranges that a TLB may still hold: their entry was valid and is not any more. */
static struct stale {
    uint64_t input, size;
    uint64_t old;
} * stale;
static uint64_t stale_count;
static bool unpublished;

struct pt pm_pt;
uint64_t pm_allocations_left;

static uint64_t entry_size(unsigned level)
{
    return 1ul << (12 + 9 * (3 - level));
}

static struct table *table_of(const void *address)
{
    static uint64_t last; /* most stores go where the one before went */
    uint64_t *page = (uint64_t *)((uintptr_t)address & ~4095ul);

    if (last < table_count && tables[last].page == page)
        return &tables[last];
    for (uint64_t i = 0; i < table_count; i++)
        if (tables[i].page == page)
            return &tables[last = i];
    fail_msg("%p is in no table", address);
    return NULL;
}

static void *machine_alloc(void *context)
{
    assert_ptr_equal(context, &pm_pt);
    if (pm_allocations_left == 0)
        return NULL;
    pm_allocations_left--;
    assert_true(table_count < MAX_TABLES);
    void *page = aligned_alloc(4096, 4096);
    memset(page, 0, 4096);
    tables[table_count++] = (struct table){.page = page};
    return page;
}

static void machine_free(void *context, void *page)
{
    struct table *table = table_of(page);

    assert_ptr_equal(context, &pm_pt);
    assert_false(table->linked);
    for (uint64_t i = 0; i < stale_count; i++)
        assert_int_not_equal(stale[i].old & ADDRESS, (uintptr_t)page);
    free(page);
    *table = tables[--table_count];
}

static pa_t machine_pa(const void *table)
{
    return pa((uintptr_t)table);
}

static void *machine_va(pa_t table)
{
    return (void *)table.v;
}

static void machine_publish(void)
{
    unpublished = false;
}

static void machine_invalidate(void *context, uint64_t input, uint64_t size, uint64_t granule)
{
    uint64_t kept = 0;

    assert_ptr_equal(context, &pm_pt);
    assert_true(size > 0 && granule > 0);
    invalidations++;
    unpublished = false;
    for (uint64_t i = 0; i < stale_count; i++) {
        const struct stale *s = &stale[i];
        bool table = (s->old & 2) && s->size > 4096;
        bool touches = s->input < input + size && input < s->input + s->size;
        if (touches && !table)
            assert_true(granule <= s->size);
        if (!touches)
            stale[kept++] = *s;
        else if (!table)
            assert_true(s->input >= input && s->input + s->size <= input + size);
    }
    stale_count = kept;
}

static const struct pt_ops machine_ops = {
    .alloc = machine_alloc,
    .free = machine_free,
    .table_pa = machine_pa,
    .table_va = machine_va,
    .publish = machine_publish,
    .invalidate = machine_invalidate,
};

void host_pt_store(uint64_t *entry, uint64_t value)
{
    struct table *table = table_of(entry);
    uint64_t size = entry_size(table->level);
    uint64_t input = table->base + (uint64_t)(entry - table->page) * size;
    uint64_t old = *entry;

    assert_true(table->linked);
    if ((old & VALID) && (value & VALID))
        fail_msg("%lx: valid entry %lx changed into %lx without a break", input, old, value);
    for (uint64_t i = 0; (value & VALID) && i < stale_count; i++)
        if (stale[i].input < input + size && input < stale[i].input + stale[i].size)
            fail_msg("%lx: made before the TLB was told of the break", input);
    if (table->level < 3 && (old & 3) == 3)
        table_of((void *)(old & ADDRESS))->linked = false;
    if (old & VALID) {
        assert_true(stale_count < MAX_STALE);
        stale[stale_count++] = (struct stale){input, size, old};
    }
    if (table->level < 3 && (value & 3) == 3) {
        struct table *child = table_of((void *)(value & ADDRESS));
        child->linked = true;
        child->level = table->level + 1;
        child->base = input;
    }
    *entry = value;
    unpublished = true;
}

void pm_start(unsigned start_level, unsigned input_bits)
{
    uint64_t span = entry_size(start_level) * 512;
    uint64_t roots = (1ul << input_bits) > span ? (1ul << input_bits) / span : 1;
    uint64_t *root = aligned_alloc(4096 * roots, 4096 * roots);

    memset(root, 0, 4096 * roots);
    stale = malloc(MAX_STALE * sizeof(*stale));
    pm_pt = (struct pt){
        .ops = &machine_ops,
        .context = &pm_pt,
        .root = root,
        .start_level = start_level,
        .input_bits = input_bits,
        .output_bits = 48,
    };
    table_count = root_tables = roots;
    stale_count = invalidations = 0;
    unpublished = false;
    pm_allocations_left = UINT64_MAX;
    for (uint64_t i = 0; i < roots; i++)
        tables[i] = (struct table){root + i * 512, i * span, start_level, true};
}

void pm_stop(void)
{
    for (uint64_t i = root_tables; i < table_count; i++)
        free(tables[i].page);
    free(pm_pt.root);
    free(stale);
}

uint64_t pm_tables(void)
{
    return table_count - root_tables;
}

uint64_t pm_invalidations(void)
{
    return invalidations;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd;

    return (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
}

/* Of one leaf: as a whole, or as the 4 KiB pages it consists of (only sums, so that order is free).
 */
static uint64_t leaf_sum(uint64_t input, uint64_t value, unsigned level, bool shape)
{
    uint64_t attr = value & PT_ATTR_MASK;
    uint64_t sum = 0;

    if (shape)
        return mix(mix(input, value), level);
    for (uint64_t at = 0; at < entry_size(level); at += 4096)
        sum += mix(mix(input + at, (value & ADDRESS) + at), attr);
    return sum;
}

uint64_t pm_check(bool shape)
{
    uint64_t sum = 0;

    assert_false(unpublished);
    assert_int_equal(stale_count, 0);
    for (uint64_t i = 0; i < table_count; i++) {
        const struct table *table = &tables[i];
        unsigned used = 0;
        assert_true(table->linked);
        for (unsigned e = 0; e < 512; e++) {
            uint64_t value = table->page[e];
            if (!(value & VALID)) {
                assert_int_equal(value, 0);
                continue;
            }
            used++;
            if (table->level < 3 && (value & 3) == 3)
                continue;
            assert_true(table->level > 0);
            assert_int_equal(value & 3, table->level == 3 ? 3 : 1);
            assert_int_equal((value & ADDRESS) % entry_size(table->level), 0);
            sum += leaf_sum(table->base + e * entry_size(table->level), value, table->level, shape);
        }
        assert_true(used > 0 || i < root_tables);
    }
    return sum;
}
