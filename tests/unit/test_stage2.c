/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 of a domain on the real heap and walker: VTCR and VTTBR, attributes, TLB maintenance
 * under the right VMID, and a page census that is the same before and after.
 */
#include "unit.h"

#include "mm/heap.h"
#include "mm/stage2.h"
#include "mm/tlb.h"
#include "platform/sysreg.h"

#define HEAP_PAGES 512ul
#define OWNER      9

static uint8_t *heap;
static struct stage2 s2;
static uint64_t told_vttbr, told_size, vmids;
static uint64_t others; /* pages that the test has taken for somebody else */

void tlb_publish(void)
{
}

void tlb_ipa(uint64_t vttbr, uint64_t ipa_value, uint64_t size, uint64_t granule)
{
    (void)ipa_value;
    assert_true(granule >= PAGE_SIZE && size >= PAGE_SIZE);
    told_vttbr = vttbr;
    told_size = size;
}

/* Comes when nothing is left to be found: root empty. */
void tlb_vmid(uint64_t vttbr)
{
    const uint64_t *root = heap_va(pa(vttbr & 0x0000fffffffffffe));

    assert_int_equal(vttbr, s2.vttbr);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(root[i], 0);
    vmids++;
}

static void boot(uint64_t parange)
{
    host_sysreg_reset();
    host_sysreg_write("id_aa64mmfr0_el1", parange);
    stage2_init();
    stage2_init_cpu();
}

static int start(void **state)
{
    (void)state;
    heap = aligned_alloc(PAGE_SIZE, HEAP_PAGES * PAGE_SIZE);
    heap_init(pa(0x40201000), HEAP_PAGES * PAGE_SIZE, heap);
    boot(2);
    s2 = (struct stage2){0};
    told_vttbr = told_size = vmids = others = 0;
    return stage2_create(&s2, OWNER) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    free(heap);
    return 0;
}

static void test_vtcr(void **state)
{
    static const unsigned bits[] = {32, 36, 40, 40, 40, 40, 40};

    (void)state;
    for (unsigned parange = 0; parange < ARRAY_SIZE(bits); parange++) {
        boot(parange | 0x1100);
        uint64_t vtcr = sysreg_read(vtcr_el2);
        assert_int_equal(stage2_ipa_bits, bits[parange]);
        assert_int_equal(FIELD(vtcr, 5, 0), 64 - bits[parange]);
        assert_int_equal(FIELD(vtcr, 7, 6), 1); /* level 1 */
        assert_int_equal(FIELD(vtcr, 13, 8), 0x35);
        assert_int_equal(FIELD(vtcr, 15, 14), 0); /* 4 KiB */
        assert_int_equal(FIELD(vtcr, 18, 16), MIN(parange, 5u));
        assert_int_equal(FIELD(vtcr, 19, 19), 0);
        assert_int_equal(FIELD(vtcr, 31, 31), 1);
    }
}

/* Pages that stage 2 has: all that are not free, but for the heap's own table and `others`. */
static uint64_t owned(void)
{
    return heap_pages.total - heap_pages.free - 1 - others;
}

static void test_root(void **state)
{
    (void)state;
    assert_int_equal(s2.vttbr >> 48, OWNER + 1);
    assert_int_equal(s2.vttbr & 0x1fff, 0); /* two concatenated tables: aligned to both */
    assert_int_equal(owned(), 2);
    stage2_load(&s2);
    assert_int_equal(sysreg_read(vttbr_el2), s2.vttbr);
}

/* The leaf for an IPA, found by hand. */
static uint64_t leaf_at(uint64_t address)
{
    uint64_t entry = ((uint64_t *)s2.pt.root)[address >> 30];

    for (unsigned shift = 21; (entry & 3) == 3 && shift >= 12; shift -= 9)
        entry = ((uint64_t *)heap_va(pa(entry & 0xfffffffff000)))[(address >> shift) & 511];
    return entry;
}

static void test_attributes(void **state)
{
    (void)state;
    assert_true(stage2_map(&s2, ipa(0x40000000), pa(0x80000000), BLOCK_2M, STAGE2_RAM));
    assert_true(stage2_map(&s2, ipa(0x40200000), pa(0x80200000), BLOCK_2M, STAGE2_RAM_NX));
    assert_true(stage2_map(&s2, ipa(0x08010000), pa(0x08040000), PAGE_SIZE, STAGE2_DEVICE));
    /* AF, inner shareable, S2AP read-write, MemAttr write-back */
    assert_int_equal(leaf_at(0x40000000), 0x80000000 | 0x7fd);
    assert_int_equal(leaf_at(0x40200000), BIT(54) | 0x80200000 | 0x7fd);
    /* MemAttr Device-nGnRE */
    assert_int_equal(leaf_at(0x08010000), BIT(54) | 0x08040000 | 0x4c7);
}

static void test_map_unmap_census(void **state)
{
    uint64_t before = owned();
    pa_t found;

    (void)state;
    assert_true(stage2_map(&s2, ipa(GIB), pa(2 * GIB), GIB + BLOCK_2M + PAGE_SIZE, STAGE2_RAM));
    assert_int_equal(owned(), before + 2);
    assert_true(stage2_lookup(&s2, ipa(GIB + 0x123456), &found));
    assert_int_equal(found.v, 2 * GIB + 0x123456);
    assert_false(stage2_lookup(&s2, ipa(GIB - 1), &found));
    assert_false(stage2_lookup(&s2, ipa(UINT64_MAX), &found));
    assert_int_equal(told_vttbr, 0);
    assert_true(stage2_unmap(&s2, ipa(GIB), 2 * GIB));
    assert_int_equal(told_vttbr, s2.vttbr);
    assert_int_equal(told_size, 2 * GIB);
    assert_int_equal(owned(), before);
}

static void test_refused(void **state)
{
    (void)state;
    assert_true(stage2_map(&s2, ipa(0), pa(0), BLOCK_2M, STAGE2_RAM));
    uint64_t before = owned();
    assert_false(stage2_map(&s2, ipa(0), pa(0), GIB, STAGE2_RAM));
    assert_false(stage2_map(&s2, ipa(BIT(40)), pa(0), PAGE_SIZE, STAGE2_RAM));
    assert_false(stage2_map(&s2, ipa(GIB), pa(BIT(40)), PAGE_SIZE, STAGE2_RAM));
    assert_false(stage2_map(&s2, ipa(BIT(40) - PAGE_SIZE), pa(0), 2 * PAGE_SIZE, STAGE2_RAM));
    assert_int_equal(owned(), before);
}

static void test_exhaustion(void **state)
{
    unsigned blocks = 0;

    (void)state;
    for (; heap_pages.free > 13; others++)
        assert_non_null(heap_alloc(1, 1));
    while (stage2_map(&s2, ipa(blocks * GIB + PAGE_SIZE), pa(0), PAGE_SIZE, STAGE2_RAM))
        blocks++;
    assert_int_equal(blocks, owned() / 2 - 1);
    assert_true(heap_pages.free < 2);
    for (unsigned i = 0; i < blocks; i++)
        assert_true(stage2_unmap(&s2, ipa(i * GIB), GIB));
    assert_int_equal(owned(), 2);
    while (heap_alloc(1, 1))
        ;
    struct stage2 other = {0};
    assert_false(stage2_create(&other, 3));
}

static void test_destroy(void **state)
{
    uint64_t before = heap_pages.free + 2;

    (void)state;
    assert_true(stage2_map(&s2, ipa(GIB + PAGE_SIZE), pa(0), 64 * MIB, STAGE2_RAM));
    assert_true(stage2_map(&s2, ipa(BIT(40) - GIB), pa(GIB), GIB, STAGE2_RAM));
    stage2_destroy(&s2);
    assert_int_equal(vmids, 1);
    assert_int_equal(owned(), 0);
    assert_int_equal(heap_pages.free, before);
}

static void test_vmid_bound(void **state)
{
    struct stage2 other = {0};

    (void)state;
    assert_true(stage2_create(&other, 254));
    assert_int_equal(other.vttbr >> 48, 255);
    expect_assert_failure(stage2_create(&other, 255));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vtcr),       TEST(test_root),       TEST(test_attributes),
        TEST(test_refused),    TEST(test_exhaustion), TEST(test_map_unmap_census),
        TEST(test_vmid_bound), TEST(test_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
