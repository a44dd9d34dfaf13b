/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0's side of the house without an operating system: domains made, run, answered, paused and
 * destroyed by hypercall, with domUs of a few instructions.
 */
#include "tests/payload/domu.h"

/* domUs; see domu.h. */
extern const char guest_io[], guest_io_end[], guest_count[], guest_count_end[], guest_lost[],
    guest_lost_end[], guest_two[], guest_two_end[], guest_share[], guest_share_end[];
__asm__("  .pushsection .rodata\n"
        /* Console, notify, a register for the backend, an interrupt; then off. */
        "guest guest_io\n"
        "  mov x9, #0x09000000\n"
        "  mov w10, #'H'\n"
        "  str w10, [x9]\n"
        "  mov x11, #0x0a000000\n"
        "  mov w10, #3\n"
        "  str w10, [x11, #0x50]\n"
        "  ldr w12, [x11, #0x10]\n"
        "  str w12, [x13]\n"
        "1: ldr w12, [x11, #0x60]\n"
        "  cbz w12, 1b\n"
        "  str w12, [x13, #4]\n"
        "  str w12, [x11, #0x64]\n"
        "  ldr w12, [x11, #0x60]\n"
        "  str w12, [x13, #8]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_io_end\n"
        "guest_io_end:\n"
        /* Counts for ever. */
        "guest guest_count\n"
        "1: add x0, x0, #1\n"
        "  str x0, [x13]\n"
        "  b 1b\n"
        "  .global guest_count_end\n"
        "guest_count_end:\n"
        /* Jumps to nowhere, and has no vectors: faults for ever. */
        "guest guest_lost\n"
        "  mov x1, #0x70000000\n"
        "  br x1\n"
        "  .global guest_lost_end\n"
        "guest_lost_end:\n"
        /* vCPU 0 starts vCPU 1, which writes and goes off; then a reset. */
        "guest guest_two\n"
        "  mov x0, #3\n"
        "  movk x0, #0xc400, lsl #16\n"
        "  mov x1, #1\n"
        "  adr x2, 2f\n"
        "  mov x3, #77\n"
        "  hvc #0\n"
        "  str w0, [x13]\n"
        "1: ldr w0, [x13, #4]\n"
        "  cmp w0, #77\n"
        "  b.ne 1b\n"
        "  call 9\n"
        "  b .\n"
        "2: mov x13, #0x40000000\n"
        "  add x13, x13, #0x1000\n"
        "  str w0, [x13, #4]\n"
        "  call 2\n"
        "  b .\n"
        "  .global guest_two_end\n"
        "guest_two_end:\n"
        /* Writes its number to shared memory, and waits for the other's, 1 and 2. */
        "guest guest_share\n"
        "  mov x1, #0x3fe00000\n"
        "  str x0, [x1, x0, lsl #3]\n"
        "  mov x2, #3\n"
        "  sub x2, x2, x0\n"
        "1: ldr x3, [x1, x2, lsl #3]\n"
        "  cbz x3, 1b\n"
        "  str w3, [x13]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_share_end\n"
        "guest_share_end:\n"
        "  .popsection\n");

static void test_life_of_a_domain(void)
{
    struct made d;

    if (!make(&d, "io", 1, guest_io, guest_io_end, 0))
        return;
    struct smccc vdev = {.x = {TARN_HC_VDEV_CREATE, d.id, 0, 2, 4}};
    hvc_call(&vdev);
    check_equal(vdev.x[0], TARN_OK);
    check_equal(state_of(d.id), TARN_STATE_CREATED);
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_EBUSY);
    check(WAIT(d.notify->requests == 1, PATIENCE_US));
    check_equal(d.console->head, 1);
    check_equal(d.console->data[0], 'H');
    check_equal(d.notify->devices, 1);
    check_equal(d.notify->queues[0], 1u << 3);
    check_equal(d.notify->request[0].offset, 0x10);
    check_equal(d.notify->request[0].write, 0);
    check_equal(call3(TARN_HC_REQUEST_REPLY, d.id, 0, 0xabcd1234), TARN_OK);
    check_equal(call3(TARN_HC_REQUEST_REPLY, d.id, 0, 0), TARN_EINVAL);
    check(WAIT(result(&d, 0) == 0xabcd1234, PATIENCE_US));
    check_equal(call3(TARN_HC_VDEV_INTERRUPT, d.id, 0, 4), TARN_EINVAL);
    check_equal(call3(TARN_HC_VDEV_INTERRUPT, d.id, 0, 1), TARN_OK);
    check(WAIT(state_of(d.id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    check_equal(reason_of(d.id), TARN_REASON_POWEROFF);
    check_equal(result(&d, 1), 1);
    check_equal(result(&d, 2), 0);
    check(d.notify->events & TARN_EVENT_STATE);
    check_equal(stats_of(d.id, 1).x[1 + 0x16 - 0x10], 1); /* HVC */
    check(stats_of(d.id, 2).x[1 + 0x24 - 0x20] >= 6);     /* data aborts */
    struct smccc stats = stats_of(d.id, TARN_STATS_GENERAL);
    check(stats.x[1] & 1 << 8); /* held */
    check(stats.x[2 + TARN_VCPU_RUNNING] > 0 && stats.x[2 + TARN_VCPU_REQUEST] > 0);
    check_equal(stats.x[10], 1); /* notifications */
    destroy(d.id);
    check_equal(state_of(d.id), 99);
}

static void test_two_vcpus_and_reset(void)
{
    struct made d;

    if (!make(&d, "two", 2, guest_two, guest_two_end, 0))
        return;
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
    check(WAIT(state_of(d.id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    check_equal(reason_of(d.id), TARN_REASON_REBOOT);
    check_equal(result(&d, 0), 0);
    check_equal(result(&d, 1), 77);
    destroy(d.id);
}

static void test_pause_stops_the_count(void)
{
    struct made d;

    if (!make(&d, "count", 1, guest_count, guest_count_end, 0))
        return;
    check_equal(call3(TARN_HC_DOMAIN_PAUSE, d.id, 0, 0), TARN_EBUSY);
    check_equal(call3(TARN_HC_DOMAIN_WATCHDOG, d.id, 0, 0), TARN_EBUSY);
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
    check(WAIT(result(&d, 0) != 0, PATIENCE_US));
    while (call3(TARN_HC_DOMAIN_PAUSE, d.id, 0, 0) == TARN_EAGAIN)
        ;
    uint32_t before = result(&d, 0);
    struct smccc then = stats_of(d.id, TARN_STATS_GENERAL);
    delay_us(50000);
    check_equal(result(&d, 0), before);
    struct smccc now = stats_of(d.id, TARN_STATS_GENERAL);
    check_equal(now.x[2 + TARN_VCPU_RUNNING], then.x[2 + TARN_VCPU_RUNNING]);
    check_equal(now.x[2 + TARN_VCPU_READY], then.x[2 + TARN_VCPU_READY]);
    check(now.x[7] - then.x[7] >= 50000000); /* ns held */
    check_equal(call3(TARN_HC_DOMAIN_UNPAUSE, d.id, 0, 0), TARN_OK);
    check(WAIT(result(&d, 0) != before, PATIENCE_US));
    check_equal(call3(TARN_HC_DOMAIN_WATCHDOG, d.id, 0, 0), TARN_OK);
    check_equal(state_of(d.id), TARN_STATE_CRASHED);
    check_equal(reason_of(d.id), TARN_REASON_WATCHDOG);
    check_equal(call3(TARN_HC_DOMAIN_UNPAUSE, d.id, 0, 0), TARN_EBUSY);
    destroy(d.id);
}

/* A guest that could only fault for ever is stopped, and says where it was. */
static void test_lost_guest_crashes(void)
{
    struct made d;

    if (!make(&d, "lost", 1, guest_lost, guest_lost_end, 0))
        return;
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
    check(WAIT(state_of(d.id) == TARN_STATE_CRASHED, PATIENCE_US));
    check_equal(reason_of(d.id), TARN_REASON_FAULT);
    struct smccc crash = info(d.id);
    check_equal(crash.x[11] >> 26, 0x20); /* ESR_EL2.EC: fetch */
    check_equal(crash.x[13], 0x200);      /* VBAR_EL1 is 0 after reset */
    check(d.notify->events & TARN_EVENT_STATE);
    check_equal(call3(TARN_HC_DOMAIN_UNPAUSE, d.id, 0, 0), TARN_EBUSY);
    check_equal(call3(TARN_HC_DOMAIN_PAUSE, d.id, 0, 0), TARN_EBUSY);
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_EBUSY);
    destroy(d.id);
}

static void test_memory_is_taken_away_and_scrubbed(void)
{
    struct made d;
    bool clean = true;

    if (!make(&d, "scrub", 1, guest_count, guest_count_end, 0))
        return;
    volatile uint8_t *old = d.ram;
    memset((void *)(uintptr_t)old, 0x5a, TARN_BLOCK_SIZE);
    destroy(d.id);
    struct caught caught = CATCH((void)old[0]);
    check_equal(caught.count, 1);
    check_equal(FSC(caught), FSC_EXTERNAL);
    if (!make(&d, "scrub", 1, guest_count, guest_count, 0))
        return;
    check_equal((uint64_t)d.ram, (uint64_t)old); /* the lowest free block */
    for (uint64_t i = 0; i < TARN_BLOCK_SIZE; i += 8)
        clean = clean && *(volatile uint64_t *)(d.ram + i) == 0;
    check(clean);
    destroy(d.id);
}

#define SHARED (DOMU_RAM_BASE - TARN_BLOCK_SIZE)

/* Memory at SHARED: what `from` has at that ipa of its own; 0: new. *block: where it is. */
static int64_t share(uint64_t id, uint64_t from, uint64_t there, uint64_t *block)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_POPULATE, id, SHARED, from, there}};

    hvc_call(&call);
    *block = call.x[1];
    return (int64_t)call.x[0];
}

static void run_sharer(const struct made *made, unsigned sees)
{
    check_equal(call3(TARN_HC_DOMAIN_START, made->id, 0, 0), TARN_OK);
    check(WAIT(state_of(made->id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    check_equal(result(made, 0), sees);
}

/* Two write to it at a time; then one is gone, and a third one finds what they wrote. */
static void test_shared_memory(void)
{
    struct smccc before = {.x = {TARN_HC_MACHINE_INFO}};
    struct smccc after = before;
    struct made a, b, c;
    uint64_t block, same;

    hvc_call(&before);
    if (!make(&a, "a", 1, guest_share, guest_share_end, 1) ||
        !make(&b, "b", 1, guest_share, guest_share_end, 2) ||
        !make(&c, "c", 1, guest_share, guest_share_end, 1))
        return;
    check_equal(share(a.id, 0, 0, &block), TARN_OK);
    check_equal(share(a.id, 0, 0, &same), TARN_EEXIST);
    check_equal(share(b.id, a.id, DOMU_RAM_BASE, &same), TARN_EINVAL); /* that is its own */
    check_equal(share(b.id, a.id, DOMU_STOLEN_BASE, &same), TARN_EINVAL);
    check_equal(share(b.id, a.id, SHARED - TARN_BLOCK_SIZE, &same), TARN_ENOENT);
    check_equal(share(b.id, a.id, SHARED + 8, &same), TARN_EINVAL);
    check_equal(share(b.id, 127, SHARED, &same), TARN_ENOENT);
    check_equal(share(b.id, a.id, SHARED, &same), TARN_OK);
    check_equal(same, block);
    reach(block);
    struct caught caught = CATCH((void)*(volatile uint8_t *)block);
    check_equal(caught.count, 1); /* not dom0's */
    check_equal(call3(TARN_HC_DOMAIN_START, a.id, 0, 0), TARN_OK);
    run_sharer(&b, 1);
    check(WAIT(state_of(a.id) == TARN_STATE_SHUTDOWN, PATIENCE_US));
    check_equal(result(&a, 0), 2);
    destroy(a.id);
    check_equal(share(c.id, a.id, SHARED, &same), TARN_ENOENT);
    check_equal(share(c.id, b.id, SHARED, &same), TARN_OK);
    destroy(b.id);
    run_sharer(&c, 2);
    destroy(c.id);
    hvc_call(&after);
    check_equal(after.x[3], before.x[3]);
    check_equal(after.x[5], before.x[5]);
}

static void test_census_is_equal_after_many_lives(void)
{
    struct smccc before = {.x = {TARN_HC_MACHINE_INFO}};
    struct smccc after = before;

    hvc_call(&before);
    for (unsigned i = 0; i < (cpu_total == 1 ? 1000 : 60); i++) {
        struct made d;
        if (!make(&d, "again", 1 + i % 4, guest_count, guest_count_end, 0))
            return;
        if (i % 3)
            check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
        destroy(d.id);
    }
    hvc_call(&after);
    check_equal(after.x[3], before.x[3]);
    check_equal(after.x[5], before.x[5]);
}

static void test_bad_arguments(void)
{
    struct made d;
    struct smccc call = {.x = {TARN_HC_DOMAIN_CREATE, 0}};

    memcpy(&call.x[3], "x", 1);
    hvc_call(&call);
    check_equal(call.x[0], TARN_EINVAL);
    if (!make(&d, "good", 1, guest_count, guest_count_end, 0))
        return;
    call = (struct smccc){.x = {TARN_HC_DOMAIN_CREATE, 1}};
    memcpy(&call.x[3], "good", 4);
    hvc_call(&call);
    check_equal(call.x[0], TARN_EEXIST);
    check_equal(call3(TARN_HC_DOMAIN_POPULATE, d.id, DOMU_RAM_BASE, 0), TARN_EEXIST);
    check_equal(call3(TARN_HC_DOMAIN_POPULATE, d.id, DOMU_RAM_BASE + 4096, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_DOMAIN_POPULATE, d.id, 0, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_DOMAIN_POPULATE, d.id, 0xffffffffffe00000, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_DOMAIN_POPULATE, 0, DOMU_RAM_BASE, 0), TARN_ENOENT);
    check_equal(call3(TARN_HC_DOMAIN_START, 100, 0, 0), TARN_ENOENT);
    check_equal(call3(TARN_HC_DOMAIN_DESTROY, 0, 0, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_DOMAIN_DESTROY, 127, 0, 0), TARN_ENOENT);
    check_equal(call3(TARN_HC_DOMAIN_DESTROY, ~0ul, 0, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_VDEV_INTERRUPT, d.id, 5, 1), TARN_ENOENT);
    check_equal(call3(TARN_HC_VDEV_INTERRUPT, d.id, ~0ul, 1), TARN_ENOENT);
    check_equal(call3(TARN_HC_REQUEST_REPLY, d.id, ~0ul, 1), TARN_ENOENT);
    check_equal(call3(TARN_HC_CONSOLE_INPUT, d.id, 9, 1), TARN_EINVAL);
    check_equal(call3(TARN_HC_VCPU_STATS, d.id, 1, 0), TARN_ENOENT);
    check_equal(call3(TARN_HC_VCPU_STATS, 127, 0, 0), TARN_ENOENT);
    destroy(d.id);
}

const struct payload_test payload_tests[] = {
    {"a domain does I/O and powers off", test_life_of_a_domain, 0, true},
    {"two vCPUs, CPU_OFF, reset", test_two_vcpus_and_reset, 0, true},
    {"pause stops a domain, unpause goes on", test_pause_stops_the_count, 0, true},
    {"a guest that can only fault crashes", test_lost_guest_crashes, 0, true},
    {"memory is taken away and scrubbed", test_memory_is_taken_away_and_scrubbed, 0, true},
    {"memory is shared until its last user is gone", test_shared_memory, 0, true},
    {"census is equal after many lives", test_census_is_equal_after_many_lives, 0, true},
    {"bad arguments are refused by name", test_bad_arguments, 0, true},
    {NULL, NULL, 0, false},
};
