/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0 for other payloads: makes a domU of the Image that lies at GUEST_AT, with a vCPU less than
 * the machine has CPUs, and repeats what it prints, each line with "domU: " in front, until it
 * powers off.
 */
#include "platform/types.h"

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"
#include "platform/string.h"

#define GUEST_AT    0x48400000ul /* tests/payload/machine.py puts it there */
#define IMAGE_SIZE  16           /* offset in the Image header (Documentation/arm64/booting) */
#define RAM_BLOCKS  4u
#define ENTRY       (DOMU_RAM_BASE + TARN_BLOCK_SIZE)
#define PATIENCE_US 100000000ul

static uint64_t domain;
static volatile struct tarn_console_page *console;

static bool create(void)
{
    struct smccc call = {.x = {TARN_HC_MACHINE_INFO}};
    hvc_call(&call);
    uint64_t vcpus = call.x[1] > 1 ? call.x[1] - 1 : 1;
    call = (struct smccc){.x = {TARN_HC_DOMAIN_CREATE, vcpus, 0, 0x74736574 /* "test" */}};
    hvc_call(&call);
    domain = call.x[1];
    console = (void *)call.x[3];
    return call.x[0] == TARN_OK;
}

/* Puts one block in place and, from the second on, its part of the Image. */
static bool populate(unsigned block)
{
    uint64_t size = *(uint64_t *)(GUEST_AT + IMAGE_SIZE);
    uint64_t done = (block - 1) * (uint64_t)TARN_BLOCK_SIZE;
    struct smccc call = {
        .x = {TARN_HC_DOMAIN_POPULATE, domain, DOMU_RAM_BASE + block * (uint64_t)TARN_BLOCK_SIZE}};
    hvc_call(&call);
    if (call.x[0] != TARN_OK)
        return false;
    if (block == 0 || done >= size)
        return true;
    uint64_t part = MIN(size - done, (uint64_t)TARN_BLOCK_SIZE);
    memcpy((void *)call.x[1], (void *)(GUEST_AT + done), part);
    for (uint64_t at = 0; at < part; at += 16)
        __asm__ volatile("dc civac, %0" : : "r"(call.x[1] + at) : "memory");
    dsb(sy);
    return true;
}

static bool start(void)
{
    struct smccc call = {.x = {TARN_HC_VCPU_INIT, domain, 0, ENTRY, 0}};
    if (!create())
        return false;
    for (unsigned block = 0; block < RAM_BLOCKS; block++)
        if (!populate(block))
            return false;
    call.x[1] = domain;
    hvc_call(&call);
    return call.x[0] == TARN_OK && hvc(TARN_HC_DOMAIN_START, domain, 0, 0) == TARN_OK;
}

static void repeat_output(void)
{
    static char line[160];
    static unsigned length;
    while (console->tail != __atomic_load_n(&console->head, __ATOMIC_ACQUIRE)) {
        char c = (char)console->data[console->tail % TARN_CONSOLE_SIZE];
        console->tail++;
        if (c != '\n' && length < sizeof(line) - 1) {
            line[length++] = c;
            continue;
        }
        line[length] = '\0';
        print("domU: %s\n", line);
        length = 0;
    }
}

static uint64_t state(void)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_INFO, domain}};
    hvc_call(&call);
    return call.x[2] & 0xffff;
}

static void test_run(void)
{
    bool started = start();
    check(started);
    if (!started)
        return;
    uint64_t end = counter() + us_to_ticks(PATIENCE_US);
    while (state() == TARN_STATE_RUNNING && counter() < end)
        repeat_output();
    repeat_output();
    check_equal(state(), TARN_STATE_SHUTDOWN | TARN_REASON_POWEROFF << 8);
    check_equal(console->dropped, 0);
    int64_t status;
    do
        status = hvc(TARN_HC_DOMAIN_DESTROY, domain, 0, 0);
    while (status == TARN_EAGAIN);
    check_equal(status, TARN_OK);
}

const struct payload_test payload_tests[] = {
    {"a domU runs until it powers off", test_run, 0, true},
    {NULL, NULL, 0, false},
};
