/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domUs that mean harm, and a dom0 that asks for too much: dom0 goes on, with its registers, its
 * time and its interrupts.
 */
#include "tests/payload/domu.h"

#define SECRET 0x5ec2e75ec2e7
#define MINE   0x00c0ffee00c0ffee

extern const char guest_fp[], guest_fp_end[];
__asm__("  .pushsection .rodata\n"
        /* Fills an FP register with the argument, says so, runs on. */
        "guest guest_fp\n"
        "  mov x1, #(3 << 20)\n"
        "  msr cpacr_el1, x1\n"
        "  isb\n"
        "  fmov d8, x0\n"
        "  mov w1, #1\n"
        "  str w1, [x13]\n"
        "  b .\n"
        "  .global guest_fp_end\n"
        "guest_fp_end:\n"
        "  .popsection\n");

static void start_domain(const struct made *made)
{
    check_equal(call3(TARN_HC_DOMAIN_START, made->id, 0, 0), TARN_OK);
}

/* Its FP registers are in the hardware when it is paused; ours must be when we look. */
static void test_fp_is_private(void)
{
    struct made d;
    uint64_t seen;

    if (!make(&d, "fp", 1, guest_fp, guest_fp_end, SECRET))
        return;
    __asm__ volatile("fmov d8, %0" : : "r"(MINE));
    start_domain(&d);
    check(WAIT(result(&d, 0) == 1, PATIENCE_US));
    while (call3(TARN_HC_DOMAIN_PAUSE, d.id, 0, 0) == TARN_EAGAIN)
        ;
    __asm__ volatile("fmov %0, d8" : "=r"(seen));
    check_equal(seen, MINE);
    destroy(d.id);
}

const struct payload_test payload_tests[] = {
    {"FP registers of a paused domU stay its own", test_fp_is_private, 0, true},
    {NULL, NULL, 0, false},
};
