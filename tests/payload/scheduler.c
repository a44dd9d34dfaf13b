/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets how much of which CPU: weights, caps, stolen time, affinity, balance of load, dedicated
 * CPUs. dom0 has one vCPU, on CPU 0, and is busy all the time.
 */
#include "tests/payload/domu.h"

#include "guests/lib/gic.h"

#define MS     1000ul /* in us */
#define NS(us) ((us)*1000ul)
#define EC_WFX 1

static uint64_t cpus; /* of the machine */

/* domUs; see domu.h. */
extern const char guest_hog[], guest_hog_end[], guest_sleeper[], guest_sleeper_end[],
    guest_notifier[], guest_notifier_end[];
__asm__("  .pushsection .rodata\n"
        /* Shows the stolen time that it sees, for ever. */
        "guest guest_hog\n"
        "  mov x0, #0x21\n" /* PV_TIME_ST */
        "  movk x0, #0xc500, lsl #16\n"
        "  hvc #0\n"
        "1: ldr x1, [x0, #8]\n"
        "  str x1, [x13, #8]\n"
        "  mov w2, #1\n"
        "  str w2, [x13]\n"
        "  b 1b\n"
        "  .global guest_hog_end\n"
        "guest_hog_end:\n"
        /* Sleeps a millisecond, counts, for ever. x0 = version of the GIC. */
        "guest guest_sleeper\n"
        "  mov x10, #0x08000000\n"
        "  add x12, x10, #0x10000\n"
        "  mov w1, #3\n"
        "  str w1, [x10]\n"       /* GICD_CTLR */
        "  mov w1, #0x08000000\n" /* INTID 27 */
        "  mov w2, #-1\n"
        "  cmp x0, #2\n"
        "  b.eq 1f\n"
        "  add x11, x10, #0xb0000\n"
        "  str w2, [x11, #0x80]\n"  /* GICR_IGROUPR0 */
        "  str w1, [x11, #0x100]\n" /* GICR_ISENABLER0 */
        "  mov x1, #0xff\n"
        "  msr S3_0_C4_C6_0, x1\n" /* PMR */
        "  mov x1, #1\n"
        "  msr S3_0_C12_C12_7, x1\n" /* IGRPEN1 */
        "  isb\n"
        "  b 2f\n"
        "1: str w1, [x10, #0x100]\n" /* GICD_ISENABLER0 */
        "  mov w1, #0xf0\n"
        "  str w1, [x12, #4]\n" /* GICC_PMR */
        "  mov w1, #1\n"
        "  str w1, [x12]\n" /* GICC_CTLR */
        "2: mrs x1, cntfrq_el0\n"
        "  mov x2, #1000\n"
        "  udiv x1, x1, x2\n"
        "3: msr cntv_tval_el0, x1\n"
        "  mov x2, #1\n"
        "  msr cntv_ctl_el0, x2\n"
        "  isb\n"
        "4: wfi\n"
        "  mrs x2, cntv_ctl_el0\n"
        "  tbz x2, #2, 4b\n"
        "  msr cntv_ctl_el0, xzr\n"
        "  isb\n"
        "  add w3, w3, #1\n"
        "  str w3, [x13]\n"
        "  cmp x0, #2\n"
        "  b.eq 5f\n"
        "  mrs x2, S3_0_C12_C12_0\n" /* IAR1 */
        "  msr S3_0_C12_C12_1, x2\n" /* EOIR1 */
        "  b 3b\n"
        "5: ldr w2, [x12, #0xc]\n"
        "  str w2, [x12, #0x10]\n"
        "  b 3b\n"
        "  .global guest_sleeper_end\n"
        "guest_sleeper_end:\n"
        /* Notifies queue 3 of a device, then off. */
        "guest guest_notifier\n"
        "  mov x11, #0x0a000000\n"
        "  mov w10, #3\n"
        "  str w10, [x11, #0x50]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_notifier_end\n"
        "guest_notifier_end:\n"
        "  .popsection\n");

static uint64_t spent(uint64_t id, unsigned state)
{
    return stats_of(id, TARN_STATS_GENERAL).x[2 + state];
}

static uint64_t cpu_of(uint64_t id)
{
    return stats_of(id, TARN_STATS_GENERAL).x[1] >> 16;
}

static int64_t pin(uint64_t id, uint64_t mask, bool dedicated)
{
    struct smccc call = {.x = {TARN_HC_VCPU_AFFINITY, id, 0, mask, dedicated}};

    hvc_call(&call);
    return (int64_t)call.x[0];
}

/* A domU that runs, on these CPUs, with that weight and cap. */
static bool run(struct made *made, const char *name, const char *code, const char *end,
                uint64_t mask, uint64_t weight, uint64_t cap)
{
    if (!make(made, name, 1, code, end, gic_version()))
        return false;
    check_equal(pin(made->id, mask, false), TARN_OK);
    check_equal(call3(TARN_HC_DOMAIN_SHARE, made->id, weight, cap), TARN_OK);
    check_equal(call3(TARN_HC_DOMAIN_START, made->id, 0, 0), TARN_OK);
    check(WAIT(result(made, 0) != 0, PATIENCE_US));
    return true;
}

static bool hog(struct made *made, const char *name, uint64_t mask, uint64_t weight, uint64_t cap)
{
    return run(made, name, guest_hog, guest_hog_end, mask, weight, cap);
}

/* Since then: ns that two have run, after a while; a busy host shifts some of it to and fro. */
static uint64_t begun[2];

static void begin(uint64_t a, uint64_t b)
{
    begun[0] = spent(a, TARN_VCPU_RUNNING);
    begun[1] = spent(b, TARN_VCPU_RUNNING);
}

/* b has run `times` as long as a, give or take a tenth. */
static bool is_ratio(uint64_t a, uint64_t b, uint64_t times)
{
    uint64_t ran_a = spent(a, TARN_VCPU_RUNNING) - begun[0];
    uint64_t ran_b = spent(b, TARN_VCPU_RUNNING) - begun[1];

    return ran_a > NS(200 * MS) && 10 * ran_b > 9 * times * ran_a &&
           10 * ran_b < 11 * times * ran_a;
}

/* Three times the weight is three times the time, and the rest is stolen, which a guest sees. */
static void test_weights(void)
{
    uint64_t last = BIT(cpus - 1), seen;
    struct made a, b;

    if (!hog(&a, "a", last, 256, 0) || !hog(&b, "b", last, 768, 0))
        return;
    uint64_t stolen = spent(a.id, TARN_VCPU_READY);
    begin(a.id, b.id);
    check(WAIT(is_ratio(a.id, b.id, 3), PATIENCE_US));
    seen = *(volatile uint64_t *)(a.ram + RESULTS + 8);
    check(seen > stolen && seen <= spent(a.id, TARN_VCPU_READY));
    destroy(a.id);
    destroy(b.id);
}

/* Weights change while they run; so does what follows from them. */
static void test_weight_changes(void)
{
    uint64_t last = BIT(cpus - 1);
    struct made a, b;

    if (!hog(&a, "a", last, 64, 0) || !hog(&b, "b", last, 65535, 0))
        return;
    check_equal(call3(TARN_HC_DOMAIN_SHARE, a.id, 65535, 0), TARN_OK);
    begin(a.id, b.id);
    check(WAIT(is_ratio(a.id, b.id, 1), PATIENCE_US));
    destroy(a.id);
    destroy(b.id);
}

/* A cap holds though nobody else wants the CPU. */
static void test_cap(void)
{
    struct made a;

    if (!hog(&a, "a", BIT(cpus - 1), 256, 0))
        return;
    delay_us(300 * MS); /* does not count: it had no cap then */
    check_equal(call3(TARN_HC_DOMAIN_SHARE, a.id, 0, 20), TARN_OK);
    uint64_t first = counter(), ran = spent(a.id, TARN_VCPU_RUNNING);
    delay_us(500 * MS);
    ran = spent(a.id, TARN_VCPU_RUNNING) - ran;
    uint64_t fifth = NS(1000 * MS) / 5 * (counter() - first) / us_to_ticks(1000 * MS);
    if (ran < fifth / 2 || ran > 2 * fifth) /* an emulator on a busy host is late to stop it */
        fail_at(__FILE__, __LINE__, "%lu ns, %lu are a fifth", ran, fifth);
    check_equal(call3(TARN_HC_DOMAIN_SHARE, a.id, 0, 0), TARN_OK); /* ends while it waits */
    ran = spent(a.id, TARN_VCPU_RUNNING);
    check(WAIT(spent(a.id, TARN_VCPU_RUNNING) > ran + NS(100 * MS), PATIENCE_US));
    destroy(a.id);
}

/* Who is sent to another CPU while it runs goes there, and comes back. */
static void test_affinity(void)
{
    struct made a;

    if (!hog(&a, "a", 1, 256, 0))
        return;
    check_equal(cpu_of(a.id), 0);
    for (uint64_t round = 0; round < 20; round++) {
        uint64_t cpu = round % cpus;
        check_equal(pin(a.id, BIT(cpu), false), TARN_OK);
        check(WAIT(cpu_of(a.id) == cpu, PATIENCE_US));
        uint64_t ran = spent(a.id, TARN_VCPU_RUNNING);
        check(WAIT(spent(a.id, TARN_VCPU_RUNNING) > ran, PATIENCE_US));
    }
    destroy(a.id);
}

/* Those who share a CPU while others idle part when they may. */
static void test_balance(void)
{
    uint64_t last = BIT(cpus - 1);
    struct made a, b;

    if (!hog(&a, "a", last, 256, 0) || !hog(&b, "b", last, 256, 0))
        return;
    check_equal(pin(a.id, ~0ul, false), TARN_OK);
    check_equal(pin(b.id, ~0ul, false), TARN_OK);
    check(cpus == 1 || WAIT(cpu_of(a.id) != cpu_of(b.id), PATIENCE_US));
    destroy(a.id);
    destroy(b.id);
}

static uint64_t sleeps(uint64_t id)
{
    return stats_of(id, EC_WFX / 16).x[1 + EC_WFX % 16];
}

/* On a CPU of its own a guest sleeps without an exit, and nobody else comes there. */
static void test_dedicated(void)
{
    uint64_t last = BIT(cpus - 1);
    struct made a, b;

    if (!run(&a, "a", guest_sleeper, guest_sleeper_end, last, 256, 0) ||
        !hog(&b, "b", ~0ul, 256, 0))
        return;
    check(WAIT(sleeps(a.id) > 10, PATIENCE_US)); /* `b` may come any time */
    if (cpus == 1) {
        check_equal(pin(a.id, last, true), TARN_EBUSY); /* dom0 */
    } else {
        check_equal(pin(a.id, ~0ul, true), TARN_OK);
        check(WAIT(cpu_of(a.id) == cpus - 1 && cpu_of(b.id) != cpus - 1, PATIENCE_US));
        check_equal(pin(b.id, last, false), TARN_EBUSY);
        uint32_t slept = result(&a, 0);
        check(WAIT(result(&a, 0) > slept + 5, PATIENCE_US));
        uint64_t exits = sleeps(a.id);
        slept = result(&a, 0);
        check(WAIT(result(&a, 0) > slept + 50, PATIENCE_US));
        if (gic_version() != 2) /* on GICv2 each WFI exits: see core/sched.c */
            check_equal(sleeps(a.id), exits);
    }
    destroy(a.id);
    check_equal(pin(b.id, last, false), TARN_OK); /* everybody's again */
    check(WAIT(cpu_of(b.id) == cpus - 1, PATIENCE_US));
    destroy(b.id);
}

#define MANY 64

static struct made many[MANY];

/* Each of them has run since `before`, so much that it was its turn. */
static bool all_ran(const uint64_t *before, unsigned first)
{
    for (unsigned i = first; i < MANY; i++)
        if (spent(many[i].id, TARN_VCPU_RUNNING) < before[i] + NS(5 * MS))
            return false;
    return true;
}

/* 64 that are busy all go on, also while half of them end and others come. */
static void test_many(void)
{
    uint64_t before[MANY] = {0};

    /* Enough for us to make and unmake them while they all want our CPU, too. */
    check_equal(call3(TARN_HC_DOMAIN_SHARE, 0, 65535, 0), TARN_OK);
    for (unsigned i = 0; i < MANY; i++) {
        char name[] = {'m', (char)('0' + i / 10), (char)('0' + i % 10), 0};
        if (!make(&many[i], name, 1, guest_hog, guest_hog_end, 0))
            return;
        check_equal(call3(TARN_HC_DOMAIN_START, many[i].id, 0, 0), TARN_OK);
    }
    check(WAIT(all_ran(before, 0), PATIENCE_US));
    for (unsigned i = 0; i < MANY / 2; i++) {
        struct made other;
        destroy(many[i].id);
        if (!make(&other, "other", 2, guest_hog, guest_hog_end, 0))
            return;
        check_equal(call3(TARN_HC_DOMAIN_START, other.id, 0, 0), TARN_OK);
        destroy(other.id);
    }
    for (unsigned i = MANY / 2; i < MANY; i++)
        before[i] = spent(many[i].id, TARN_VCPU_RUNNING);
    check(WAIT(all_ran(before, MANY / 2), PATIENCE_US));
    for (unsigned i = MANY / 2; i < MANY; i++)
        destroy(many[i].id);
    check_equal(call3(TARN_HC_DOMAIN_SHARE, 0, TARN_WEIGHT, 0), TARN_OK);
}

/* A domU made while dom0's vCPU lives on a CPU where it was not made tells it nevertheless. */
static void test_moved_host(void)
{
    struct made d;

    check_equal(pin(0, BIT(cpus - 1), false), TARN_OK);
    check(WAIT(cpu_of(0) == cpus - 1, PATIENCE_US));
    if (make(&d, "d", 1, guest_notifier, guest_notifier_end, 0)) {
        struct smccc vdev = {.x = {TARN_HC_VDEV_CREATE, d.id, 0, 2, 4}};
        hvc_call(&vdev);
        check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
        check(WAIT(d.notify->events & TARN_EVENT_STATE, PATIENCE_US));
        check_equal(state_of(d.id), TARN_STATE_SHUTDOWN);
        check_equal(d.notify->devices, 1);
        destroy(d.id);
    }
    check_equal(pin(0, BIT(0), false), TARN_OK);
    check(WAIT(cpu_of(0) == 0, PATIENCE_US));
}

static void test_machine(void)
{
    struct smccc call = {.x = {TARN_HC_MACHINE_INFO}};

    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    cpus = call.x[1];
}

const struct payload_test payload_tests[] = {
    {"the machine", test_machine, 0, true},
    {"weights and stolen time", test_weights, 0, true},
    {"a weight changes", test_weight_changes, 0, true},
    {"caps", test_cap, 0, true},
    {"affinity", test_affinity, 0, true},
    {"balance", test_balance, 0, true},
    {"dedicated CPUs", test_dedicated, 0, true},
    {"dom0 moved, then a notify", test_moved_host, 0, true},
    {"64 domains", test_many, 0, true},
    {NULL, NULL, 0, false},
};
