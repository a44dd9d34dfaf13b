/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains with more RAM than a GiB: it lies in one piece, and a GiB is one block of stage 2, for
 * which the table of 2 MiB blocks is given back.
 */
#include "tests/payload/domu.h"

#define SIZE (2 * GIB + 2 * TARN_BLOCK_SIZE)

extern const char guest_touch[], guest_touch_end[];
__asm__("  .pushsection .rodata\n"
        /* Writes its argument, an address, there. */
        "guest guest_touch\n"
        "  str x0, [x0]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_touch_end\n"
        "guest_touch_end:\n"
        "  .popsection\n");

static struct smccc machine_info(void)
{
    struct smccc call = {.x = {TARN_HC_MACHINE_INFO}};

    hvc_call(&call);
    return call;
}

/* Block `at` of the domain's RAM, with `more` bytes to come. Returns where it is. */
static uint64_t populate(uint64_t id, uint64_t at, uint64_t more)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_POPULATE, id, DOMU_RAM_BASE + at, 0, more}};

    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    return call.x[1];
}

/* Its guest writes to the last word of what is populated. */
static void check_guest(const struct made *made, uint64_t size)
{
    volatile uint64_t *word = (void *)(made->ram + size - 8);

    reach((uint64_t)word);
    check_equal(*word, 0);
    check_equal(call3(TARN_HC_DOMAIN_START, made->id, 0, 0), TARN_OK);
    check(WAIT(state_of(made->id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    __asm__ volatile("dc civac, %0" : : "r"(word) : "memory"); /* it had its caches off */
    check_equal(*word, DOMU_RAM_BASE + size - 8);
}

static void test_a_gib_is_one_block(void)
{
    struct smccc before = machine_info();
    struct made d;

    if (!make_part(&d, "big", 1, guest_touch, guest_touch_end, DOMU_RAM_BASE + SIZE - 8, SIZE))
        return;
    uint64_t start = (uint64_t)d.ram, heap = 0;
    check_equal(start % GIB, 0);
    for (uint64_t at = TARN_BLOCK_SIZE; at < SIZE; at += TARN_BLOCK_SIZE) {
        if (at % GIB == GIB - TARN_BLOCK_SIZE)
            heap = machine_info().x[5];
        /* The second GiB is below the first one, the highest that was free. */
        uint64_t where = populate(d.id, at, SIZE - at);
        if (at < GIB)
            check_equal(where, start + at);
        else if (at < 2 * GIB)
            check_equal(where, start - GIB + at % GIB);
        if (at % GIB == GIB - TARN_BLOCK_SIZE)
            check_equal(machine_info().x[5], heap + 4096);
    }
    destroy(d.id);
    check_equal(machine_info().x[3], before.x[3]);
    check_equal(machine_info().x[5], before.x[5]);
}

static void test_its_guest_reaches_all_of_it(void)
{
    struct made d;

    if (!make_part(&d, "gib", 1, guest_touch, guest_touch_end, DOMU_RAM_BASE + GIB - 8, GIB))
        return;
    for (uint64_t at = TARN_BLOCK_SIZE; at < GIB; at += TARN_BLOCK_SIZE)
        check_equal(populate(d.id, at, GIB - at), (uint64_t)d.ram + at);
    check_guest(&d, GIB);
    destroy(d.id);
}

/* One that says that there is no more to come leaves whole GiBs to others. */
static void test_small_ones_keep_away(void)
{
    struct made small, big;

    if (!make(&small, "small", 1, guest_touch, guest_touch_end, DOMU_RAM_BASE + 0x2000))
        return;
    if (!make_part(&big, "big", 1, guest_touch, guest_touch_end, DOMU_RAM_BASE + 0x2000, SIZE))
        return;
    check((uint64_t)small.ram / GIB != (uint64_t)big.ram / GIB);
    check_equal((uint64_t)big.ram % GIB, 0);
    destroy(small.id);
    destroy(big.id);
}

const struct payload_test payload_tests[] = {
    {"a GiB is one block", test_a_gib_is_one_block, 0, true},
    {"its guest reaches all of it", test_its_guest_reaches_all_of_it, 0, true},
    {"small ones keep away", test_small_ones_keep_away, 0, true},
    {NULL, NULL, 0, false},
};
