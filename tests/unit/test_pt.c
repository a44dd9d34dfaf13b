/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page-table walker on the machine of pt_machine.h: single operations, every allocation
 * failing, edges of the input and output widths, and random operations against a plain array.
 */
#include "unit.h"

#include "pt_machine.h"

#define K4 4096ul
#define M2 (2ul << 20)
#define G1 (1ul << 30)

static int start_stage1(void **state)
{
    (void)state;
    pm_start(0, 48);
    return 0;
}

/* Two concatenated tables on level 1. */
static int start_stage2(void **state)
{
    (void)state;
    pm_start(1, 40);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pm_stop();
    return 0;
}

static void expect_leaf(uint64_t input, uint64_t output, uint64_t attr, uint64_t size)
{
    struct pt_leaf leaf;

    assert_true(pt_lookup(&pm_pt, input, &leaf));
    assert_int_equal(leaf.output.v, output);
    assert_int_equal(leaf.attr, attr);
    assert_int_equal(leaf.size, size);
}

static void expect_none(uint64_t input)
{
    struct pt_leaf leaf;

    assert_false(pt_lookup(&pm_pt, input, &leaf));
}

static void test_page(void **state)
{
    (void)state;
    uint64_t before = pm_check(true);

    assert_true(pt_map(&pm_pt, 0x7000, pa(0x12345000), K4, PM_ATTR_A));
    pm_check(true);
    expect_leaf(0x7abc, 0x12345abc, PM_ATTR_A, K4);
    expect_none(0x6fff);
    expect_none(0x8000);
    assert_int_equal(pm_tables(), 3 - pm_pt.start_level);
    assert_int_equal(pm_invalidations(), 0);
    assert_true(pt_unmap(&pm_pt, 0x7000, K4));
    assert_int_equal(pm_check(true), before);
    assert_int_equal(pm_tables(), 0);
    assert_int_equal(pm_invalidations(), 1);
}

static void test_block_sizes(void **state)
{
    uint64_t start = 3 * G1 - M2 - K4;

    (void)state;
    assert_true(pt_map(&pm_pt, start, pa(8 * G1 + start), G1 + 2 * M2 + 2 * K4, PM_ATTR_A));
    pm_check(true);
    expect_leaf(start, 8 * G1 + start, PM_ATTR_A, K4);
    expect_leaf(3 * G1 - M2, 11 * G1 - M2, PM_ATTR_A, M2);
    expect_leaf(3 * G1 + 5, 11 * G1 + 5, PM_ATTR_A, G1);
    expect_leaf(4 * G1, 12 * G1, PM_ATTR_A, M2);
    expect_leaf(4 * G1 + M2, 12 * G1 + M2, PM_ATTR_A, K4);
    expect_none(start - 1);
    expect_none(4 * G1 + M2 + K4);
}

static void test_output_decides_block_size(void **state)
{
    (void)state;
    assert_true(pt_map(&pm_pt, 0, pa(M2), G1, PM_ATTR_A));
    expect_leaf(0, M2, PM_ATTR_A, M2);
    assert_true(pt_map(&pm_pt, G1, pa(K4), M2, PM_ATTR_A));
    expect_leaf(G1 + M2 - 1, M2 + K4 - 1, PM_ATTR_A, K4);
    pm_check(true);
}

static void test_no_blocks_on_level_0(void **state)
{
    (void)state;
    assert_true(pt_map(&pm_pt, 512 * G1, pa(1024 * G1), 512 * G1, PM_ATTR_A));
    expect_leaf(512 * G1, 1024 * G1, PM_ATTR_A, G1);
    assert_int_equal(pm_tables(), 1);
    pm_check(true);
}

static void test_overlap_refused(void **state)
{
    (void)state;
    assert_true(pt_map(&pm_pt, 5 * M2, pa(0), M2, PM_ATTR_A));
    assert_true(pt_map(&pm_pt, 9 * M2 + K4, pa(M2), K4, PM_ATTR_A));
    uint64_t before = pm_check(true);
    uint64_t tables = pm_tables();

    assert_false(pt_map(&pm_pt, 5 * M2, pa(0), M2, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 5 * M2 + K4, pa(0), K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 4 * M2 + K4, pa(0), M2, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa(0), G1, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 9 * M2, pa(0), M2, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 9 * M2, pa(0), 2 * K4, PM_ATTR_A));
    assert_int_equal(pm_check(true), before);
    assert_int_equal(pm_tables(), tables);
}

static void test_unmap_splits(void **state)
{
    (void)state;
    assert_true(pt_map(&pm_pt, G1, pa(2 * G1), G1, PM_ATTR_A));
    assert_true(pt_unmap(&pm_pt, G1 + 3 * M2 + K4, M2));
    pm_check(true);
    expect_leaf(G1 + 2 * M2, 2 * G1 + 2 * M2, PM_ATTR_A, M2);
    expect_leaf(G1 + 3 * M2, 2 * G1 + 3 * M2, PM_ATTR_A, K4);
    expect_none(G1 + 3 * M2 + K4);
    expect_none(G1 + 4 * M2 + K4 - 1);
    expect_leaf(G1 + 4 * M2 + K4, 2 * G1 + 4 * M2 + K4, PM_ATTR_A, K4);
    expect_leaf(G1 + 5 * M2, 2 * G1 + 5 * M2, PM_ATTR_A, M2);
    assert_true(pt_unmap(&pm_pt, 0, 4 * G1));
    assert_int_equal(pm_tables(), 0);
    pm_check(true);
}

static void test_outside_refused(void **state)
{
    uint64_t end = 1ul << pm_pt.input_bits;

    (void)state;
    assert_false(pt_map(&pm_pt, end, pa(0), K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, end - K4, pa(0), 2 * K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa(0), 0, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa(0), K4 + 1, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 1, pa(0), K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa(8), K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa((1ul << 48) - K4), 2 * K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, 0, pa(1ul << 48), K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, K4, pa(0), -K4, PM_ATTR_A));
    assert_false(pt_map(&pm_pt, -K4, pa(0), 2 * K4, PM_ATTR_A));
    assert_false(pt_unmap(&pm_pt, end - K4, 2 * K4));
    assert_false(pt_unmap(&pm_pt, K4, -K4));
    expect_none(end);
    expect_none(UINT64_MAX);
    assert_int_equal(pm_tables(), 0);

    assert_true(pt_map(&pm_pt, end - K4, pa((1ul << 48) - K4), K4, PM_ATTR_A));
    expect_leaf(end - 1, (1ul << 48) - 1, PM_ATTR_A, K4);
    pm_check(true);
}

static void test_concatenated_root(void **state)
{
    uint64_t middle = 1ul << 39;

    (void)state;
    assert_true(pt_map(&pm_pt, middle - M2, pa(M2 + G1), 2 * M2 + G1, PM_ATTR_A));
    pm_check(true);
    expect_leaf(middle - 1, 2 * M2 + G1 - 1, PM_ATTR_A, M2);
    expect_leaf(middle, 2 * M2 + G1, PM_ATTR_A, M2);
    expect_leaf(middle + G1, 2 * M2 + 2 * G1, PM_ATTR_A, M2);
    assert_true(pt_map(&pm_pt, 1023 * G1, pa(0), G1, PM_ATTR_A));
    assert_int_equal(pm_pt.root[1023], PM_ATTR_A | 1);
    assert_true(pt_unmap(&pm_pt, 0, 1ul << 40));
    assert_int_equal(pm_tables(), 0);
}

/* A range that wants many tables takes no more work than there are tables to be had. */
static void test_hostile_size_is_bounded(void **state)
{
    (void)state;
    pm_allocations_left = 100;
    assert_false(pt_map(&pm_pt, 0, pa(K4), 1ul << 40, PM_ATTR_A));
    assert_int_equal(pm_allocations_left, 0);
    assert_int_equal(pm_tables(), 0);
    pm_check(true);
    assert_true(pt_unmap(&pm_pt, 0, 1ul << 40));
    assert_int_equal(pm_invalidations(), 0);
}

typedef bool (*operation_t)(void);

static bool operation_map(void)
{
    return pt_map(&pm_pt, 2 * G1 - M2 - K4, pa(6 * G1 - M2 - K4), 2 * G1 + 2 * M2, PM_ATTR_A);
}

static bool operation_unmap(void)
{
    return pt_unmap(&pm_pt, 4 * G1 + 5 * M2 + K4, G1);
}

static bool operation_unmap_inside(void)
{
    return pt_unmap(&pm_pt, 4 * G1 + 9 * M2 + K4, K4);
}

/* Lets the operation fail at its first, second, ... allocation until it succeeds. */
static unsigned fail_at_each(operation_t operation)
{
    uint64_t before = pm_check(true);
    uint64_t tables = pm_tables();

    for (unsigned k = 0;; k++) {
        pm_allocations_left = k;
        bool done = operation();
        pm_allocations_left = UINT64_MAX;
        uint64_t after = pm_check(true);
        if (done)
            return k;
        assert_int_equal(after, before);
        assert_int_equal(pm_tables(), tables);
    }
}

static void prepare_blocks(void)
{
    assert_true(pt_map(&pm_pt, 4 * G1, pa(8 * G1), 2 * G1, PM_ATTR_A));
    assert_true(pt_map(&pm_pt, 1 * G1, pa(1 * G1), M2, PM_ATTR_A));
}

static void test_map_failing(void **state)
{
    (void)state;
    prepare_blocks();
    /* At the front level 3 below two others, one of them there already; at the back both. */
    assert_true(pt_unmap(&pm_pt, 4 * G1, 2 * G1));
    assert_int_equal(fail_at_each(operation_map), 3);
}

static void test_unmap_failing(void **state)
{
    (void)state;
    prepare_blocks();
    assert_int_equal(fail_at_each(operation_unmap), 4);
}

static void test_unmap_inside_failing(void **state)
{
    (void)state;
    prepare_blocks();
    assert_int_equal(fail_at_each(operation_unmap_inside), 2);
}

/* Random operations against an array of pages. */
#define SPACE_PAGES (3 * G1 / K4)

struct model_page {
    uint64_t output; /* 0: not mapped */
    uint64_t attr;
};

static struct model_page *model;
static uint64_t model_base;

static void compare_page(uint64_t page)
{
    struct pt_leaf leaf;
    bool found = pt_lookup(&pm_pt, model_base + page * K4, &leaf);

    assert_int_equal(found, model[page].output != 0);
    if (!found)
        return;
    assert_int_equal(leaf.output.v, model[page].output);
    assert_int_equal(leaf.attr, model[page].attr);
}

static void compare(uint64_t first, uint64_t count, bool all)
{
    for (unsigned i = 0; i < 64; i++)
        compare_page(unit_random_below(SPACE_PAGES));
    for (unsigned i = 0; i < 4 && i < count; i++) {
        compare_page(first + i);
        compare_page(first + count - 1 - i);
    }
    if (first > 0)
        compare_page(first - 1);
    if (first + count < SPACE_PAGES)
        compare_page(first + count);
    for (uint64_t page = 0; all && page < SPACE_PAGES; page++)
        compare_page(page);
}

/* A range of one of the three sizes of mapping, or a ragged one. */
static void random_range(uint64_t *first, uint64_t *count)
{
    static const uint64_t units[] = {1, 1, 512, 512, 512, 262144};
    uint64_t unit = units[unit_random_below(6)];
    uint64_t units_in_space = SPACE_PAGES / unit;

    *first = unit_random_below(units_in_space) * unit;
    *count = (1 + unit_random_below(unit == 262144 ? 2 : 40)) * unit;
    if (unit_random_below(4) == 0)
        *first += unit_random_below(700);
    *first = MIN(*first, SPACE_PAGES - 1);
    *count = MIN(*count, SPACE_PAGES - *first);
}

static bool model_free(uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (model[first + i].output)
            return false;
    return true;
}

static void random_map(uint64_t first, uint64_t count)
{
    uint64_t output =
        16 * G1 + first * K4 + (unit_random_below(3) ? 0 : unit_random_below(600) * K4);
    uint64_t attr = unit_random_below(2) ? PM_ATTR_A : PM_ATTR_B;
    bool room = model_free(first, count);
    bool done = pt_map(&pm_pt, model_base + first * K4, pa(output), count * K4, attr);

    assert_true(!done || room);
    if (room && pm_allocations_left == UINT64_MAX)
        assert_true(done);
    for (uint64_t i = 0; done && i < count; i++)
        model[first + i] = (struct model_page){output + i * K4, attr};
}

static void random_unmap(uint64_t first, uint64_t count)
{
    bool done = pt_unmap(&pm_pt, model_base + first * K4, count * K4);

    assert_true(done || pm_allocations_left == 0);
    for (uint64_t i = 0; done && i < count; i++)
        model[first + i] = (struct model_page){0, 0};
}

static void test_random(void **state)
{
    void (*const operations[])(uint64_t, uint64_t) = {random_map, random_map, random_unmap};

    (void)state;
    model = calloc(SPACE_PAGES, sizeof(*model));
    model_base = (1ul << 39) - G1; /* across two root tables of stage 2 */
    unit_random_seed(pm_pt.input_bits);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t first, count;
        random_range(&first, &count);
        bool fail = unit_random_below(4) == 0;
        pm_allocations_left = fail ? unit_random_below(4) : UINT64_MAX;
        operations[unit_random_below(3)](first, count);
        pm_allocations_left = UINT64_MAX;
        compare(first, count, i % 500 == 499);
        if (i % 16 == 0)
            pm_check(true);
    }
    assert_true(pt_unmap(&pm_pt, 0, 1ul << pm_pt.input_bits));
    assert_int_equal(pm_tables(), 0);
    pm_check(true);
    free(model);
}

#define STAGE1(test) cmocka_unit_test_setup_teardown(test, start_stage1, stop)
#define STAGE2(test) cmocka_unit_test_setup_teardown(test, start_stage2, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE1(test_page),
        STAGE2(test_page),
        STAGE1(test_block_sizes),
        STAGE2(test_block_sizes),
        STAGE2(test_output_decides_block_size),
        STAGE1(test_no_blocks_on_level_0),
        STAGE2(test_overlap_refused),
        STAGE1(test_unmap_splits),
        STAGE2(test_unmap_splits),
        STAGE1(test_outside_refused),
        STAGE2(test_outside_refused),
        STAGE2(test_concatenated_root),
        STAGE2(test_hostile_size_is_bounded),
        STAGE2(test_map_failing),
        STAGE2(test_unmap_failing),
        STAGE2(test_unmap_inside_failing),
        STAGE1(test_random),
        STAGE2(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
