/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace: what this payload does as dom0, and a domU that it makes, is found in the rings, in
 * the order in which it was done; the oldest is overwritten; off, nothing is written.
 */
#include "guests/lib/gic.h"
#include "tests/payload/domu.h"

#define PAGES   4
#define SLOTS   (PAGES * 4096 / sizeof(struct tarn_trace_record))
#define EC(esr) FIELD((uint64_t)(esr), 31, 26)

static volatile struct tarn_trace_page *page;
static uint64_t slots;

extern const char guest_writes[], guest_writes_end[];
__asm__("  .pushsection .rodata\n"
        "guest guest_writes\n"
        "  mov x9, #0x09000000\n"
        "  mov w10, #'T'\n"
        "  str w10, [x9]\n"
        "  mov x11, #0x0a000000\n"
        "  mov w10, #3\n"
        "  str w10, [x11, #0x50]\n"
        "  call 8\n"
        "  b .\n"
        "  .global guest_writes_end\n"
        "guest_writes_end:\n"
        "  .popsection\n");

static bool switch_on(void)
{
    struct smccc call = {.x = {TARN_HC_TRACE, PAGES}};

    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    if (call.x[0] != TARN_OK)
        return false;
    reach(call.x[1]);
    page = (void *)call.x[1];
    slots = call.x[2];
    check_equal(slots, SLOTS);
    return true;
}

static void switch_off(void)
{
    check_equal(call3(TARN_HC_TRACE, 0, 0, 0), TARN_OK);
    delay_us(10000); /* others are told by an interrupt */
}

static struct tarn_trace_record record(unsigned cpu, uint64_t number)
{
    const struct tarn_trace_record *ring = (void *)(page + 1);

    return ring[cpu * slots + number % slots];
}

/* The next record from *at on of this type that is about a vCPU; leaves *at behind it. */
static bool find(unsigned cpu, uint64_t *at, unsigned type, uint64_t domain,
                 struct tarn_trace_record *found)
{
    for (; *at < page->cpu[cpu].head; ++*at) {
        *found = record(cpu, *at);
        if (found->type == type && found->domain == domain && found->vcpu == 0) {
            ++*at;
            return true;
        }
    }
    return false;
}

/* The next synchronous exit with this class. */
static bool find_exit(unsigned cpu, uint64_t *at, uint64_t domain, unsigned class,
                      struct tarn_trace_record *found)
{
    while (find(cpu, at, TARN_TRACE_EXIT, domain, found))
        if (found->what != TARN_TRACE_ASYNCHRONOUS && EC(found->what) == class)
            return true;
    return false;
}

static void test_nothing_yet(void)
{
    check_equal(call3(TARN_HC_TRACE, 0, 0, 0), TARN_ENOMEM);
    check_equal(call3(TARN_HC_TRACE, TARN_TRACE_PAGES + 1, 0, 0), TARN_EINVAL);
    check_equal(call3(TARN_HC_TRACE, ~0ul, 0, 0), TARN_EINVAL);
}

/* It was found on its way to ENTER, pending in a list register. */
static bool has_intid(const struct tarn_trace_record *enter, unsigned intid)
{
    for (unsigned i = 0; i < 4; i++)
        if ((enter->value[0] >> 16 * i & 0xffff) == (TARN_TRACE_INTID | intid))
            return true;
    return false;
}

static void test_a_call_and_an_sgi(void)
{
    struct tarn_trace_record exit, enter;

    irq_reset(NULL);
    if (!switch_on())
        return;
    delay_us(1000); /* for this CPU's first interrupt */
    uint64_t at = page->cpu[0].head;
    uint64_t before = physical_counter();
    hvc(PSCI_VERSION, 0x1234, 0x5678, 0);
    gic_sgi(3, 1);
    check(WAIT(irq_taken(0, 3) == 1, PATIENCE_US));
    uint64_t after = physical_counter();
    switch_off();

    check(find_exit(0, &at, 0, EC_HVC64, &exit));
    check_equal(exit.value[1], PSCI_VERSION | 0x1234ul << 32 | 0x5678ul << 48);
    check(exit.value[0] >= (uint64_t)image_start && exit.value[0] < (uint64_t)image_end);
    check(find(0, &at, TARN_TRACE_ENTER, 0, &enter));
    check(before <= exit.time && exit.time <= enter.time);
    uint32_t injected = enter.what;
    check(find_exit(0, &at, 0, gic_version() == 3 ? EC_SYSREG : EC_DABT_LOW, &exit));
    if (gic_version() == 2)
        check_equal(exit.value[1] >> 40, 1u << 16 | 3); /* GICD_SGIR */
    check(find(0, &at, TARN_TRACE_ENTER, 0, &enter));
    check(has_intid(&enter, 3));
    check(enter.what > injected);
    check(exit.time <= enter.time && enter.time <= after);
}

/* States of the domU's vCPU, wherever they were written: every one begins where the last ended. */
static void check_states(uint64_t domain)
{
    uint64_t at[PAYLOAD_CPUS] = {0}, time = 0;
    unsigned state = TARN_VCPU_OFF, runs = 0;
    bool held = false;

    for (unsigned i = 0; i < cpu_total; i++)
        at[i] = page->cpu[i].head > slots ? page->cpu[i].head - slots : 0;
    for (;;) {
        struct tarn_trace_record next = {.time = ~0ul}, found;
        unsigned from = 0;
        for (unsigned i = 0; i < cpu_total; i++) {
            uint64_t here = at[i];
            if (find(i, &here, TARN_TRACE_STATE, domain, &found) && found.time < next.time) {
                next = found;
                from = i;
            }
        }
        if (next.time == ~0ul)
            break;
        find(from, &at[from], TARN_TRACE_STATE, domain, &found);
        check(next.time >= time);
        check_equal(next.what >> 8 & 0xff, state);
        time = next.time;
        state = next.what & 0xff;
        held = next.what >> 16;
        runs += state == TARN_VCPU_RUNNING;
    }
    check(runs >= 1);
    check_equal(state, TARN_VCPU_READY);
    check(held);
}

static void test_a_domu(void)
{
    struct tarn_trace_record exit = {0};
    struct made d;
    unsigned cpu = 0;

    if (!make(&d, "traced", 1, guest_writes, guest_writes_end, 0))
        return;
    struct smccc vdev = {.x = {TARN_HC_VDEV_CREATE, d.id, 0, 2, 4}};
    hvc_call(&vdev);
    if (!switch_on())
        return;
    check_equal(call3(TARN_HC_DOMAIN_START, d.id, 0, 0), TARN_OK);
    check(WAIT(d.notify->events & TARN_EVENT_STATE, PATIENCE_US));
    delay_us(1000);
    switch_off();

    uint64_t at = 0;
    for (; cpu < cpu_total; cpu++) {
        at = page->cpu[cpu].head > slots ? page->cpu[cpu].head - slots : 0;
        if (find_exit(cpu, &at, d.id, EC_DABT_LOW, &exit))
            break;
    }
    check_equal(exit.value[1], DOMU_UART_BASE | (uint64_t)'T' << 40);
    check(find_exit(cpu, &at, d.id, EC_DABT_LOW, &exit));
    check_equal(exit.value[1], DOMU_VIRTIO_BASE | 0x50 | 3ul << 40);
    check(find_exit(cpu, &at, d.id, EC_HVC64, &exit));
    check_equal((uint32_t)exit.value[1], PSCI_SYSTEM_OFF);
    check_states(d.id);
    destroy(d.id);
}

static void test_oldest_is_overwritten(void)
{
    if (!switch_on())
        return;
    uint64_t head = page->cpu[0].head;
    for (unsigned i = 0; i < SLOTS; i++)
        hvc(PSCI_VERSION, i, 0, 0);
    switch_off();
    check(page->cpu[0].head >= head + 2 * SLOTS);
    uint64_t time = 0;
    for (uint64_t i = page->cpu[0].head - slots; i < page->cpu[0].head; i++) {
        check(record(0, i).time >= time);
        time = record(0, i).time;
    }
}

static void test_off_is_off(void)
{
    uint64_t head = page->cpu[0].head;

    for (unsigned i = 0; i < 100; i++)
        hvc(PSCI_VERSION, i, 0, 0);
    check_equal(page->cpu[0].head, head);
    if (!switch_on())
        return;
    hvc(PSCI_VERSION, 0, 0, 0);
    switch_off();
    check(page->cpu[0].head > head);
}

const struct payload_test payload_tests[] = {
    {"there is no trace before it was asked for", test_nothing_yet, 0, true},
    {"a call and an SGI are found in order", test_a_call_and_an_sgi, 0, true},
    {"a domU's exits and states are found", test_a_domu, 0, true},
    {"the oldest is overwritten", test_oldest_is_overwritten, 0, true},
    {"off, nothing is written", test_off_is_off, 0, true},
    {NULL, NULL, 0, false},
};
