/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the payload's tests one after the other and reports in TAP on the PL011.
 * May call guests/lib, platform's printf and libc.
 */
#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "platform/mmio.h"
#include "platform/printf.h"
#include "platform/spinlock.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF 0x20

uint64_t payload_argument;
bool under_tarn;

static unsigned failures; /* of the running test */
static const char *skip_reason;
static spinlock_t print_lock;

void payload_main(uint64_t argument);

/* platform/spinlock.h may call it; this runtime has no assertions of that kind. */
void panic(const char *format, ...)
{
    print("Bail out! %s\n", format);
    power_off();
}

static void put(char c)
{
    char *uart = (char *)DOMU_UART_BASE;
    while (mmio_read32(uart + UART_FR) & UART_FR_TXFF)
        ;
    mmio_write32(uart + UART_DR, (uint8_t)c);
}

static void print_list(const char *prefix, const char *format, va_list args)
{
    char line[200];
    (void)format_string(line, sizeof(line), format, args);
    spin_lock(&print_lock);
    for (; *prefix; prefix++)
        put(*prefix);
    for (const char *c = line; *c; c++)
        put(*c);
    spin_unlock(&print_lock);
}

void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_list("", format, args);
    va_end(args);
}

void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_list("# ", format, args);
    va_end(args);
    print("\n");
}

void fail_at(const char *file, int line, const char *format, ...)
{
    va_list args;
    if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) >= 10)
        return; /* ten lines tell enough */
    print("# %s:%d: ", file, line);
    va_start(args, format);
    print_list("", format, args);
    va_end(args);
    print("\n");
}

void skip(const char *reason)
{
    skip_reason = reason;
}

void power_off(void)
{
    (void)hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        wfi();
}

static void find_tarn(void)
{
    struct smccc call = {.x = {TARN_SMCCC_UID}};
    hvc_call(&call);
    under_tarn = (uint32_t)call.x[0] == TARN_UID_0 && (uint32_t)call.x[1] == TARN_UID_1 &&
                 (uint32_t)call.x[2] == TARN_UID_2 && (uint32_t)call.x[3] == TARN_UID_3;
}

static void count_cpus(void)
{
    for (cpu_total = 1; cpu_total < PAYLOAD_CPUS; cpu_total++)
        if (hvc(PSCI_AFFINITY_INFO, cpu_total, 0, 0) < 0)
            break;
}

static void run_one(unsigned number, const struct payload_test *test)
{
    failures = 0;
    skip_reason = NULL;
    if (test->cpus > cpu_total)
        skip_reason = "too few CPUs";
    else if (test->needs_tarn && !under_tarn)
        skip_reason = "not under Tarn";
    else
        test->run();
    if (skip_reason != NULL && failures == 0)
        print("ok %u - %s # SKIP %s\n", number, test->name, skip_reason);
    else
        print("%s %u - %s\n", failures == 0 ? "ok" : "not ok", number, test->name);
}

void payload_main(uint64_t argument)
{
    unsigned count = 0;
    payload_argument = argument;
    find_tarn();
    count_cpus();
    gic_init();
    gic_init_cpu();
    print("TAP version 13\n");
    note("%s, GICv%u, %u CPUs", under_tarn ? "Tarn" : "not Tarn", gic_version(), cpu_total);
    irq_enable();
    for (; payload_tests[count].name != NULL; count++)
        run_one(count + 1, &payload_tests[count]);
    print("1..%u\n", count);
    power_off();
}
