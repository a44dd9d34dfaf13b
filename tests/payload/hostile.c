/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domUs that mean harm, and a dom0 that asks for too much: dom0 goes on, with its registers, its
 * time and its interrupts.
 */
#include "guests/lib/gic.h"
#include "tests/payload/domu.h"

#define SECRET 0x5ec2e75ec2e7
#define MINE   0x00c0ffee00c0ffee

extern const char guest_fp[], guest_fp_end[], guest_busy[], guest_busy_end[], guest_insomnia[],
    guest_insomnia_end[], guest_ender[], guest_ender_end[];
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
        "guest guest_busy\n"
        "1: add w2, w2, #1\n"
        "  str w2, [x13]\n"
        "  b 1b\n"
        "  .global guest_busy_end\n"
        "guest_busy_end:\n"
        /* Sleeps with a virtual timer that is due and whose interrupt is disabled. */
        "guest guest_insomnia\n"
        "  msr cntv_cval_el0, xzr\n"
        "  mov x1, #1\n"
        "  msr cntv_ctl_el0, x1\n"
        "1: add w2, w2, #1\n"
        "  str w2, [x13]\n"
        "  wfi\n"
        "  b 1b\n"
        "  .global guest_insomnia_end\n"
        "guest_insomnia_end:\n"
        /*
         * Takes the interrupt of its UART, ends it, and in the next instruction, before EL2 hears
         * of the end, asks its backend. x0 = version of the GIC.
         */
        "guest guest_ender\n"
        "  mov x9, #0x09000000\n"
        "  mov x11, #0x0a000000\n"
        "  mov x10, #0x08000000\n"
        "  add x12, x10, #0x10000\n"
        "  mov w1, #2\n"
        "  str w1, [x10, #0x104]\n" /* ISENABLER1 */
        "  mov w1, #3\n"
        "  str w1, [x10]\n" /* CTLR */
        "  mov w1, #0x20\n"
        "  str w1, [x9, #0x38]\n" /* UARTIMSC: TX */
        "  cmp x0, #2\n"
        "  b.eq 2f\n"
        "  mov x1, #0xff\n"
        "  msr S3_0_C4_C6_0, x1\n" /* PMR */
        "  mov x1, #1\n"
        "  msr S3_0_C12_C12_7, x1\n" /* IGRPEN1 */
        "  isb\n"
        "1: mrs x1, S3_0_C12_C12_0\n" /* IAR1 */
        "  cmp x1, #33\n"
        "  b.ne 1b\n"
        "  msr S3_0_C12_C12_1, x1\n" /* EOIR1 */
        "  ldr w1, [x11, #0x10]\n"
        "  b 4f\n"
        "2: mov w1, #0xf0\n"
        "  str w1, [x12, #4]\n" /* PMR */
        "  mov w1, #1\n"
        "  str w1, [x12]\n" /* CTLR */
        "3: ldr w1, [x12, #0xc]\n"
        "  cmp w1, #33\n"
        "  b.ne 3b\n"
        "  str w1, [x12, #0x10]\n" /* EOIR */
        "  ldr w1, [x11, #0x10]\n"
        "4: str w1, [x13]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_ender_end\n"
        "guest_ender_end:\n"
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

/* What we get done in half a second beside a domU. */
static uint64_t work_beside(const char *name, const char *code, const char *end)
{
    struct made d;
    uint64_t work = 0;

    if (!make(&d, name, 1, code, end, 0))
        return 0;
    start_domain(&d);
    for (uint64_t stop = counter() + us_to_ticks(500000); counter() < stop;)
        work++;
    check(result(&d, 0) != 0);
    destroy(d.id);
    return work;
}

/* A domU that wakes as soon as it sleeps takes no more of our time than one that never sleeps. */
static void test_waking_does_not_starve(void)
{
    uint64_t busy = work_beside("busy", guest_busy, guest_busy_end);
    uint64_t awake = work_beside("insomnia", guest_insomnia, guest_insomnia_end);

    if (awake < busy / 3)
        fail_at(__FILE__, __LINE__, "only %lu of %lu", awake, busy);
}

static volatile bool woken, helped;
static struct made ender;

/* The other CPU: starts the domU when we sleep, and answers it at last. */
static void answer_late(uint64_t unused)
{
    (void)unused;
    delay_us(50000);
    start_domain(&ender);
    check(WAIT(ender.notify->requests == 1, PATIENCE_US));
    helped = !WAIT(woken, PATIENCE_US / 4);
    check_equal(call3(TARN_HC_REQUEST_REPLY, ender.id, 0, 0), TARN_OK);
}

/* While the domU waits for its backend, the CPU that it shares with us sees our timer. */
static void test_end_of_interrupt_in_a_request(void)
{
    cpus_start();
    if (!make(&ender, "ender", 1, guest_ender, guest_ender_end, gic_version()))
        return;
    struct smccc vdev = {.x = {TARN_HC_VDEV_CREATE, ender.id, 0, 2, 1}};
    hvc_call(&vdev);
    check_equal(vdev.x[0], TARN_OK);
    woken = helped = false;
    cpu_run(1, answer_late, 0);
    gic_edge(DOMU_VTIMER_INTID, false);
    gic_set(GICD_ISENABLER, DOMU_VTIMER_INTID);
    irq_disable();
    sysreg_write(cntv_cval_el0, counter() + us_to_ticks(200000));
    sysreg_write(cntv_ctl_el0, 1);
    isb();
    while (!(sysreg_read(isr_el1) & BIT(7)))
        wfi();
    woken = true;
    sysreg_write(cntv_ctl_el0, 0);
    isb();
    gic_set(GICD_ICENABLER, DOMU_VTIMER_INTID);
    irq_enable();
    check(cpu_wait(1));
    check(!helped);
    check(WAIT(state_of(ender.id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    destroy(ender.id);
}

static int64_t create(const char *name, unsigned vcpus, uint64_t *id)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_CREATE, vcpus}};

    memcpy(&call.x[3], name, strlen(name));
    hvc_call(&call);
    *id = call.x[1];
    return (int64_t)call.x[0];
}

static uint64_t heap_free(void)
{
    struct smccc call = {.x = {TARN_HC_MACHINE_INFO}};

    hvc_call(&call);
    return call.x[5];
}

/*
 * The heap runs out at every step of CREATE, one after the other: a domU takes its pages one by one
 * (a table for each GiB that has memory), and in between another is tried.
 */
static void test_heap_runs_out_at_every_step(void)
{
    static uint64_t ids[TARN_MAX_DOMAINS];
    uint64_t before = heap_free(), eater, id;
    unsigned count = 0;
    char name[8] = "big00";

    check_equal(create("eater", 1, &eater), TARN_OK);
    for (unsigned i = 0; i < 100; i++) {
        name[3] = (char)('0' + i / 10);
        name[4] = (char)('0' + i % 10);
        unsigned vcpus = gic_version() == 2 ? 8 : 32;
        while (vcpus > 0 && create(name, vcpus, &ids[count]) != TARN_OK)
            vcpus /= 2;
        if (vcpus == 0)
            break;
        count++;
    }
    for (uint64_t gib = 1; gib < 256 && heap_free() > 0; gib++) {
        int64_t status = call3(TARN_HC_DOMAIN_POPULATE, eater, gib << 30, 0);
        check(status == TARN_OK || status == TARN_ENOMEM);
        if (create("small", 1, &id) == TARN_OK)
            destroy(id);
    }
    while (count-- > 0)
        destroy(ids[count]);
    destroy(eater);
    check_equal(heap_free(), before);
}

const struct payload_test payload_tests[] = {
    {"FP registers of a paused domU stay its own", test_fp_is_private, 0, true},
    {"a domU that wakes and wakes leaves us time", test_waking_does_not_starve, 0, true},
    {"a domU ends an interrupt and asks its backend", test_end_of_interrupt_in_a_request, 2, true},
    {"the heap runs out at every step of CREATE", test_heap_runs_out_at_every_step, 0, true},
    {NULL, NULL, 0, false},
};
