/* SPDX-License-Identifier: Apache-2.0 */
/* The domain pool: every block has one owner, comes zeroed through the window, and comes back. */
#include "unit.h"

#include "mm/el2_map.h"
#include "mm/heap.h"
#include "mm/pool.h"
#include "platform/cache.h"

#define HEAP_PAGES 64ul
#define BLOCKS     7ul

static const struct pa_range ranges[] = {
    {0x40000000, 2 * BLOCK_2M}, {0x80000000, BLOCK_2M}, {0x100000000, 4 * BLOCK_2M}};

static uint8_t *heap;
static uint64_t window;  /* physical address of the open window, 0: closed */
static uint64_t zeroed;  /* block zeroed last */
static unsigned forgets; /* instruction caches emptied */
static uint8_t window_memory[16];

void *window_open(pa_t block)
{
    assert_int_equal(window, 0);
    assert_int_equal(block.v % BLOCK_2M, 0);
    window = block.v;
    return window_memory;
}

void window_close(void)
{
    assert_int_not_equal(window, 0);
    window = 0;
}

void cache_zero(void *va, uint64_t size)
{
    assert_ptr_equal(va, window_memory);
    assert_int_equal(size, BLOCK_2M);
    zeroed = window;
}

void cache_forget_instructions(void)
{
    forgets++;
}

static int start(void **state)
{
    (void)state;
    heap = aligned_alloc(PAGE_SIZE, HEAP_PAGES * PAGE_SIZE);
    heap_init(pa(0x1000), HEAP_PAGES * PAGE_SIZE, heap);
    return pool_init(ranges, 3) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    free(heap);
    return 0;
}

static void test_all_blocks_once(void **state)
{
    pa_t got[BLOCKS], more;

    (void)state;
    assert_int_equal(pool_blocks.total, BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        assert_true(pool_alloc((uint16_t)(i % 2), POOL_ANYWHERE, &got[i]));
        assert_int_equal(zeroed, got[i].v);
        assert_int_equal(window, 0);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(got[i].v, got[j].v);
        bool inside = false;
        for (unsigned r = 0; r < ARRAY_SIZE(ranges); r++)
            inside |= got[i].v >= ranges[r].base && got[i].v - ranges[r].base < ranges[r].size;
        assert_true(inside);
    }
    assert_true(forgets >= BLOCKS);
    assert_false(pool_alloc(0, POOL_ANYWHERE, &more));
    assert_int_equal(pool_blocks.free, 0);
    assert_int_equal(pool_bytes_of(0), 4 * BLOCK_2M);
    assert_int_equal(pool_bytes_of(1), 3 * BLOCK_2M);
    for (unsigned i = 0; i < BLOCKS; i++)
        pool_free(got[i], (uint16_t)(i % 2));
    assert_int_equal(pool_blocks.free, BLOCKS);
    assert_int_equal(pool_bytes_of(0), 0);
}

static void test_freed_block_is_zeroed_again(void **state)
{
    pa_t first, again;

    (void)state;
    assert_true(pool_alloc(5, POOL_ANYWHERE, &first));
    pool_free(first, 5);
    zeroed = 0;
    assert_true(pool_alloc(6, POOL_ANYWHERE, &again));
    assert_int_equal(again.v, first.v);
    assert_int_equal(zeroed, first.v);
}

static void test_no_memory_for_the_table(void **state)
{
    (void)state;
    while (heap_alloc(1, HEAP_OWNER_TARN))
        ;
    assert_false(pool_init(ranges, 3));
}

static void test_shared_block(void **state)
{
    pa_t block, own;

    (void)state;
    assert_true(pool_alloc(POOL_SHARED + 1, POOL_ANYWHERE, &block));
    assert_true(pool_alloc(3, POOL_ANYWHERE, &own));
    assert_false(pool_share(own));
    assert_true(pool_share(block));
    assert_int_equal(pool_bytes_of(3), BLOCK_2M);
    pool_free(block, POOL_SHARED);
    assert_int_equal(pool_blocks.free, BLOCKS - 2);
    pool_free(block, POOL_SHARED);
    assert_int_equal(pool_blocks.free, BLOCKS - 1);
    assert_false(pool_share(block));
}

/* A GiB for itself comes from above and in order, as long as there is one. */
static void test_whole_gib(void **state)
{
    static const struct pa_range three[] = {{0x40000000, 3 * GIB - BLOCK_2M}};
    pa_t block, low, last = pa(0);

    (void)state;
    assert_true(pool_init(three, 1));
    assert_true(pool_alloc(1, POOL_ANYWHERE, &low));
    assert_int_equal(low.v, 0x40000000);
    assert_true(pool_alloc(2, POOL_NEW_GIB, &block));
    for (uint64_t at = 0x80000000; at < 0xc0000000; at += BLOCK_2M) {
        assert_int_equal(block.v, at);
        last = block;
        assert_true(pool_alloc(2, last, &block));
    }
    /* What is behind is taken, or is not there: the first that is free; so if no GiB is. */
    assert_true(pool_alloc(1, last, &block));
    assert_int_equal(block.v, low.v + BLOCK_2M);
    assert_true(pool_alloc(3, POOL_NEW_GIB, &block));
    assert_int_equal(block.v, low.v + 2 * BLOCK_2M);
    assert_true(pool_alloc(3, pa(0x40000000 + 3 * GIB - 2 * BLOCK_2M), &block));
    assert_int_equal(block.v, low.v + 3 * BLOCK_2M);
    assert_int_equal(zeroed, block.v);
}

static void test_empty_pool(void **state)
{
    pa_t block;

    (void)state;
    assert_true(pool_init(NULL, 0));
    assert_int_equal(pool_blocks.total, 0);
    assert_false(pool_alloc(1, POOL_ANYWHERE, &block));
}

static void test_foreign_block(void **state)
{
    (void)state;
    expect_assert_failure(pool_free(pa(0x40400000), 1));
    expect_assert_failure(pool_free(pa(0x7fe00000), 1));
}

static void test_wrong_owner(void **state)
{
    pa_t block;

    (void)state;
    assert_true(pool_alloc(1, POOL_ANYWHERE, &block));
    expect_assert_failure(pool_free(block, 2)); /* leaves the lock held: nothing after it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_blocks_once),
        TEST(test_freed_block_is_zeroed_again),
        TEST(test_no_memory_for_the_table),
        TEST(test_whole_gib),
        TEST(test_empty_pool),
        TEST(test_shared_block),
        TEST(test_foreign_block),
        TEST(test_wrong_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
