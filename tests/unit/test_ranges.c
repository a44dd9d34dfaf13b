/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of address ranges against one flag per page, with random operations. */
#include "unit.h"

#include "boot/ranges.h"

#define PAGES 256

static bool naive[PAGES];

static void check(const struct ranges *set)
{
    uint64_t total = 0, end = 0;

    for (unsigned i = 0; i < set->count; i++) {
        assert_true(set->range[i].size > 0);
        assert_true(i == 0 || set->range[i].base > end); /* sorted; neighbours joined */
        end = set->range[i].base + set->range[i].size;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        assert_int_equal(ranges_contain(set, page * PAGE_SIZE, PAGE_SIZE), naive[page]);
        total += naive[page] ? PAGE_SIZE : 0;
    }
    assert_int_equal(ranges_total(set), total);
}

static bool naive_find(unsigned pages, unsigned align, uint64_t *base)
{
    for (unsigned page = 0; page + pages <= PAGES; page += align) {
        unsigned free = 0;
        while (free < pages && naive[page + free])
            free++;
        if (free == pages) {
            *base = page * PAGE_SIZE;
            return true;
        }
    }
    return false;
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct ranges set = {0};
        memset(naive, 0, sizeof(naive));
        for (unsigned step = 0; step < 60; step++) {
            bool add = unit_random_below(2);
            uint64_t first = unit_random_below(PAGES);
            uint64_t pages = unit_random_below(MIN(PAGES - first, 40) + 1);
            if (add)
                assert_true(ranges_add(&set, first * PAGE_SIZE, pages * PAGE_SIZE));
            else
                assert_true(ranges_remove(&set, first * PAGE_SIZE, pages * PAGE_SIZE));
            for (uint64_t page = first; page < first + pages; page++)
                naive[page] = add;
            check(&set);
            unsigned size = 1 + (unsigned)unit_random_below(20);
            unsigned align = 1u << unit_random_below(5);
            uint64_t mine = 0, theirs = 0;
            bool found = ranges_find(&set, size * PAGE_SIZE, align * PAGE_SIZE, &mine);
            assert_int_equal(found, naive_find(size, align, &theirs));
            assert_int_equal(found ? mine : 0, theirs);
        }
    }
}

static void test_full(void **state)
{
    struct ranges set = {0};

    (void)state;
    for (uint64_t i = 0; i < RANGES_MAX; i++)
        assert_true(ranges_add(&set, i * 2 * PAGE_SIZE, PAGE_SIZE));
    struct ranges before = set;
    assert_false(ranges_add(&set, 1000 * PAGE_SIZE, PAGE_SIZE));
    assert_memory_equal(&set, &before, sizeof(set));
    assert_true(ranges_add(&set, PAGE_SIZE, PAGE_SIZE)); /* joins two */
    assert_int_equal(set.count, RANGES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
