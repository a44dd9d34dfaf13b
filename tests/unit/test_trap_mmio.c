/* SPDX-License-Identifier: Apache-2.0 */
/* The table of emulated ranges: order, edges, refusals, and lookups against a plain search. */
#include "unit.h"

#include "mm/trap_mmio.h"

static enum mmio_result nothing(void *device, struct mmio_access *access)
{
    (void)device;
    (void)access;
    return MMIO_DONE;
}

static void test_find_at_edges(void **state)
{
    struct mmio_table table = {0};
    int a, b;

    (void)state;
    assert_null(mmio_table_find(&table, 0));
    assert_true(mmio_table_add(&table, 0x2000, 0x1000, nothing, &a));
    assert_true(mmio_table_add(&table, 0x1000, 0x1000, nothing, &b));
    assert_null(mmio_table_find(&table, 0xfff));
    assert_ptr_equal(mmio_table_find(&table, 0x1000)->device, &b);
    assert_ptr_equal(mmio_table_find(&table, 0x1fff)->device, &b);
    assert_ptr_equal(mmio_table_find(&table, 0x2000)->device, &a);
    assert_ptr_equal(mmio_table_find(&table, 0x2fff)->device, &a);
    assert_null(mmio_table_find(&table, 0x3000));
    assert_null(mmio_table_find(&table, UINT64_MAX));
}

static void test_overlap_refused(void **state)
{
    struct mmio_table table = {0};

    (void)state;
    assert_true(mmio_table_add(&table, 0x2000, 0x2000, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x2000, 0x2000, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x3fff, 1, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x1000, 0x1001, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x1000, 0x9000, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x5000, 0, nothing, NULL));
    assert_false(mmio_table_add(&table, 0x5000, UINT64_MAX, nothing, NULL));
    assert_false(mmio_table_add(&table, 0, UINT64_MAX, nothing, NULL));
    assert_true(mmio_table_add(&table, 0x4000, 1, nothing, NULL));
    assert_true(mmio_table_add(&table, 0x1000, 0x1000, nothing, NULL));
    assert_int_equal(table.count, 3);
}

static void test_full(void **state)
{
    struct mmio_table table = {0};

    (void)state;
    for (uint64_t i = 0; i < MMIO_MAX_RANGES; i++)
        assert_true(mmio_table_add(&table, (i * 29 % MMIO_MAX_RANGES) * 0x100, 0x100, nothing,
                                   (void *)(i * 29 % MMIO_MAX_RANGES)));
    assert_false(mmio_table_add(&table, 0x100000, 1, nothing, NULL));
    for (uint64_t i = 0; i < MMIO_MAX_RANGES; i++)
        assert_int_equal((uintptr_t)mmio_table_find(&table, i * 0x100 + 0xff)->device, i);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct mmio_table table = {0};
        uint8_t owner[1024] = {0};
        for (unsigned i = 1; i <= 40; i++) {
            uint64_t base = unit_random_below(1000);
            uint64_t size = 1 + unit_random_below(24);
            bool clear = true;
            for (uint64_t at = base; at < base + size; at++)
                clear &= owner[at] == 0;
            assert_int_equal(mmio_table_add(&table, base, size, nothing, (void *)(uintptr_t)i),
                             clear);
            if (clear)
                memset(owner + base, (int)i, size);
        }
        for (uint64_t at = 0; at < 1024; at++) {
            const struct mmio_range *range = mmio_table_find(&table, at);
            assert_int_equal(range ? (uintptr_t)range->device : 0, owner[at]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_at_edges),
        cmocka_unit_test(test_overlap_refused),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
