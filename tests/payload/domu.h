/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payloads that make domUs share: a domU of a few instructions, made, looked at,
 * destroyed. May include guests/lib, guests/abi, platform.
 */
#ifndef PAYLOAD_DOMU_H
#define PAYLOAD_DOMU_H

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "platform/types.h"

#include "guests/abi/notify.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"
#include "platform/string.h"

#define PATIENCE_US 20000000
#define RESULTS     0x1000 /* in the domU's first block: words it leaves for us */

/* domUs in assembly. Each begins with x0 = argument; x13 = its results. */
__asm__(".macro guest name\n"
        "  .balign 8\n"
        "  .global \\name\n"
        "\\name:\n"
        "  mov x13, #0x40000000\n"
        "  add x13, x13, #0x1000\n"
        ".endm\n"
        ".macro call low\n" /* PSCI function 0x8400_00low */
        "  mov x0, #\\low\n"
        "  movk x0, #0x8400, lsl #16\n"
        "  hvc #0\n"
        ".endm\n");

struct made {
    uint64_t id;
    volatile struct tarn_notify_page *notify;
    volatile struct tarn_console_page *console;
    volatile uint8_t *ram; /* its first block */
};

static inline int64_t call3(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return hvc(function, a1, a2, a3);
}

static inline struct smccc info(uint64_t id)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_INFO, id}};

    hvc_call(&call);
    return call;
}

static inline unsigned state_of(uint64_t id)
{
    struct smccc call = info(id);

    return call.x[0] == 0 && call.x[1] == id ? (unsigned)call.x[2] & 0xff : 99;
}

static inline unsigned reason_of(uint64_t id)
{
    return (unsigned)(info(id).x[2] >> 8) & 0xff;
}

/* A group of counters of its vCPU 0. */
static inline struct smccc stats_of(uint64_t id, uint64_t group)
{
    struct smccc call = {.x = {TARN_HC_VCPU_STATS, id, 0, group}};

    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    return call;
}

/* Makes an address reachable; the payload's own GiB is, and must not be mapped anew under its feet.
 */
static inline void reach(uint64_t address)
{
    if (address / GIB != (uint64_t)image_start / GIB)
        mmu_map_gib(address, true);
}

/* The first block of `ram` bytes; the caller adds the others. */
static inline bool make_part(struct made *made, const char *name, unsigned vcpus, const char *code,
                             const char *end, uint64_t argument, uint64_t ram)
{
    struct smccc call = {.x = {TARN_HC_DOMAIN_CREATE, vcpus}};

    memcpy(&call.x[3], name, strlen(name));
    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    if (call.x[0] != TARN_OK)
        return false;
    made->id = call.x[1];
    reach(call.x[2]);
    made->notify = (void *)call.x[2];
    made->console = (void *)call.x[3];
    call = (struct smccc){.x = {TARN_HC_DOMAIN_POPULATE, made->id, DOMU_RAM_BASE, 0, ram}};
    hvc_call(&call);
    check_equal(call.x[0], TARN_OK);
    if (call.x[0] != TARN_OK)
        return false;
    reach(call.x[1]);
    made->ram = (void *)call.x[1];
    for (long i = 0; i < end - code; i++)
        made->ram[i] = (uint8_t)code[i];
    for (uint64_t at = (uint64_t)made->ram; at < (uint64_t)made->ram + 4096; at += 16)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    dsb(sy);
    struct smccc entry = {.x = {TARN_HC_VCPU_INIT, made->id, 0, DOMU_RAM_BASE, argument}};
    hvc_call(&entry);
    check_equal(entry.x[0], TARN_OK);
    return true;
}

static inline bool make(struct made *made, const char *name, unsigned vcpus, const char *code,
                        const char *end, uint64_t argument)
{
    return make_part(made, name, vcpus, code, end, argument, TARN_BLOCK_SIZE);
}

static inline void destroy(uint64_t id)
{
    int64_t status;
    unsigned calls = 0;

    do
        status = call3(TARN_HC_DOMAIN_DESTROY, id, 0, 0);
    while (status == TARN_EAGAIN && calls++ < 1000000);
    check_equal(status, TARN_OK);
}

static inline uint32_t result(const struct made *made, unsigned word)
{
    return ((volatile uint32_t *)(made->ram + RESULTS))[word];
}

#endif
