/* SPDX-License-Identifier: Apache-2.0 */
/* EL2's heap: zeroed, aligned, owned pages; exhaustion; census; misuse is caught. */
#include "unit.h"

#include "mm/heap.h"
#include "platform/types.h"

/* BASE is aligned to a page only: alignment must be that of physical addresses. */
#define PAGES 256ul
#define BASE  0x40001000ul

static uint8_t *memory;

static int start(void **state)
{
    (void)state;
    memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    memset(memory, 0xa5, PAGES * PAGE_SIZE);
    heap_init(pa(BASE), PAGES * PAGE_SIZE, memory);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void test_initial(void **state)
{
    (void)state;
    assert_int_equal(heap_pages.total, PAGES);
    assert_int_equal(heap_pages.free, PAGES - 1);
    expect_assert_failure(heap_free_all(HEAP_OWNER_TARN));
}

static void test_zeroed_aligned_owned(void **state)
{
    static const uint8_t zero[PAGE_SIZE];

    (void)state;
    for (unsigned pages = 1; pages <= 9; pages++) {
        uint8_t *got = heap_alloc(pages, 7);
        uint64_t align = pages > 8 ? 16 : pages > 4 ? 8 : pages > 2 ? 4 : pages;
        assert_non_null(got);
        assert_int_equal(heap_pa(got).v % (align * PAGE_SIZE), 0);
        assert_ptr_equal(heap_va(heap_pa(got)), got);
        for (unsigned i = 0; i < pages; i++)
            assert_memory_equal(got + i * PAGE_SIZE, zero, PAGE_SIZE);
        memset(got, 0xff, pages * PAGE_SIZE);
    }
    assert_int_equal(heap_free_all(8), 0);
    assert_int_equal(heap_free_all(7), 45);
    assert_int_equal(heap_pages.free, PAGES - 1);
}

static void test_exhaustion_and_reuse(void **state)
{
    void *got[PAGES];
    unsigned count = 0;

    (void)state;
    while ((got[count] = heap_alloc(1, 3)))
        count++;
    assert_int_equal(count, PAGES - 1);
    assert_int_equal(heap_pages.free, 0);
    assert_null(heap_alloc(2, 3));
    heap_free(got[17], 1, 3);
    assert_null(heap_alloc(2, 3));
    assert_ptr_equal(heap_alloc(1, 4), got[17]);
    heap_free(got[17], 1, 4);
    for (unsigned i = 0; i < count; i++)
        if (i != 17)
            heap_free(got[i], 1, 3);
    assert_int_equal(heap_pages.free, PAGES - 1);
    assert_int_equal(heap_free_all(3), 0);
}

static void test_misuse(void **state)
{
    uint8_t *two = heap_alloc(2, 3);

    (void)state;
    expect_assert_failure(heap_alloc(0, 3));
    expect_assert_failure(heap_alloc(1, HEAP_OWNER_FREE));
    expect_assert_failure(heap_pa(memory - 1));
    expect_assert_failure(heap_pa(memory + PAGES * PAGE_SIZE));
    expect_assert_failure(heap_va(pa(BASE - 1)));
    expect_assert_failure(heap_va(pa(BASE + PAGES * PAGE_SIZE)));
    expect_assert_failure(heap_free(two + 1, 1, 3));
    expect_assert_failure(heap_free(two, 0, 3));
    expect_assert_failure(heap_free(two, PAGES, 3));
}

static void test_wrong_owner(void **state)
{
    void *page = heap_alloc(1, 3);

    (void)state;
    expect_assert_failure(heap_free(page, 1, 4)); /* leaves the lock held: nothing after it */
}

/* Random use against a list of what is out; nothing overlaps, the census agrees. */
static void test_random(void **state)
{
    struct {
        uint8_t *at;
        unsigned pages;
        uint16_t owner;
    } out[40] = {0};
    uint64_t of[4] = {0};

    (void)state;
    unit_random_seed(5);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = (unsigned)unit_random_below(40);
        if (out[i].at) {
            for (unsigned b = 0; b < out[i].pages * PAGE_SIZE; b += 512)
                assert_int_equal(out[i].at[b], i);
            heap_free(out[i].at, out[i].pages, out[i].owner);
            of[out[i].owner] -= out[i].pages;
            out[i].at = NULL;
            continue;
        }
        out[i].pages = 1 + (unsigned)unit_random_below(12);
        out[i].owner = (uint16_t)unit_random_below(4);
        out[i].at = heap_alloc(out[i].pages, out[i].owner);
        if (!out[i].at)
            continue;
        of[out[i].owner] += out[i].pages;
        memset(out[i].at, (int)i, out[i].pages * PAGE_SIZE);
        assert_int_equal(heap_pages.free, PAGES - 1 - of[0] - of[1] - of[2] - of[3]);
        if (round % 64 != 0)
            continue;
        uint16_t gone = (uint16_t)unit_random_below(4);
        assert_int_equal(heap_free_all(gone), of[gone]);
        of[gone] = 0;
        for (i = 0; i < 40; i++)
            if (out[i].owner == gone)
                out[i].at = NULL;
    }
    for (uint16_t owner = 0; owner < 4; owner++)
        assert_int_equal(heap_free_all(owner), of[owner]);
    assert_int_equal(heap_pages.free, PAGES - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_initial),
        TEST(test_zeroed_aligned_owned),
        TEST(test_exhaustion_and_reuse),
        TEST(test_misuse),
        TEST(test_random),
        TEST(test_wrong_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
