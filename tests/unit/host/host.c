/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform that unit tests run on, linked into each of them. Everything here is weak: a test
 * that links the real thing, or wants another behaviour, defines the function itself.
 */
#include "unit.h"

#include <strings.h>

#include "core/trace.h"
#include "mm/pt_store.h"
#include "platform/cpu.h"
#include "platform/log.h"
#include "platform/mmio.h"
#include "platform/panic.h"
#include "platform/spinlock.h"
#include "platform/sysreg.h"

#define WEAK __attribute__((weak))

WEAK void host_panic(const char *file, int line, const char *format, ...)
{
    static char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    mock_assert(0, message, file, line);
    abort();
}

WEAK void log_print(enum log_level level, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "log %d: ", (int)level);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

WEAK volatile uint32_t trace_on;

WEAK void trace_write(const struct vcpu *vcpu, enum tarn_trace_type type, uint64_t what,
                      uint64_t value0, uint64_t value1)
{
    (void)vcpu;
    (void)type;
    (void)what;
    (void)value0;
    (void)value1;
}

WEAK uint64_t log_set_level(uint64_t level)
{
    return level;
}

WEAK void host_lock_gap(void)
{
}

WEAK bool host_lock_is_free(const spinlock_t *lock)
{
    (void)lock;
    return true;
}

WEAK unsigned host_cpu_id;
WEAK unsigned cpu_count = 1;

#define HOST_SYSREGS 256
static struct {
    const char *name;
    uint64_t value;
} host_sysreg[HOST_SYSREGS];

static uint64_t *host_sysreg_find(const char *name)
{
    for (unsigned i = 0; i < HOST_SYSREGS; i++) {
        if (host_sysreg[i].name == NULL)
            host_sysreg[i].name = name;
        if (strcasecmp(host_sysreg[i].name, name) == 0)
            return &host_sysreg[i].value;
    }
    host_panic(__FILE__, __LINE__, "more than %d system registers", HOST_SYSREGS);
}

WEAK uint64_t host_sysreg_read(const char *name)
{
    return *host_sysreg_find(name);
}

WEAK void host_sysreg_write(const char *name, uint64_t value)
{
    *host_sysreg_find(name) = value;
}

WEAK void host_sysreg_written(const char *name, uint64_t value)
{
    (void)name;
    (void)value;
}

WEAK void host_sysreg_reset(void)
{
    memset(host_sysreg, 0, sizeof(host_sysreg));
}

WEAK uint64_t host_mmio_read(const volatile void *address, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    default:
        return *(const volatile uint64_t *)address;
    }
}

WEAK void host_mmio_write(volatile void *address, uint64_t value, unsigned size)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
    }
}

WEAK void host_pt_store(uint64_t *entry, uint64_t descriptor)
{
    *entry = descriptor;
}

static uint64_t random_state = 1;

void unit_random_seed(uint64_t seed)
{
    random_state = seed | 1;
}

uint64_t unit_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}
