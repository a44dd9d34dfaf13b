/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tarn's log and the console it goes to. The log lock is the innermost of all.
 * May call platform.
 */
#include "platform/log.h"

#include <libfdt.h>
#include <stdarg.h>

#include "platform/fdt.h"
#include "platform/printf.h"
#include "platform/spinlock.h"
#include "platform/string.h"
#include "platform/sysreg.h"
#include "platform/uart.h"

#define LINE_SIZE   256
#define EARLY_SIZE  2048
#define RING_SIZE   16384
#define GUEST_LINES 10 /* per second, of all guests together */

static spinlock_t lock;
static enum log_level current_level = LOG_GUEST;
static const struct uart_ops *uart;
static volatile void *uart_base;
static char early[EARLY_SIZE]; /* lines printed before the console was known */
static size_t early_length;
static char ring[RING_SIZE]; /* the last of what was logged */
static uint64_t ring_end;    /* bytes ever put there */

static const char *const prefix[] = {
    [LOG_ERROR] = "ERROR: ", [LOG_WARN] = "warning: ", [LOG_INFO] = "",
    [LOG_GUEST] = "guest: ", [LOG_DEBUG] = "debug: ",
};

void console_write(const char *text)
{
    if (!uart) {
        size_t length = strnlen(text, sizeof(early) - 1 - early_length);
        memcpy(early + early_length, text, length);
        early_length += length;
        return;
    }
    for (; *text; text++) {
        if (*text == '\n')
            uart->put(uart_base, '\r');
        uart->put(uart_base, *text);
    }
}

bool console_find(const void *fdt, const char *path, struct pa_range *registers,
                  const struct uart_ops **ops)
{
    struct pa_range range;

    if (!path)
        path = dt_string(fdt, fdt_path_offset(fdt, "/chosen"), "stdout-path");
    if (!path)
        return false;
    const char *end = strchr(path, ':');
    int length = (int)(end ? (size_t)(end - path) : strlen(path));
    int node = fdt_path_offset_namelen(fdt, path, length);
    const struct uart_ops *row = node < 0 ? NULL : uart_find(fdt, node);
    if (!row || !dt_reg(fdt, node, 0, &range))
        return false;
    *registers = range;
    *ops = row;
    return true;
}

void console_start(const struct uart_ops *ops, volatile void *base)
{
    uart_base = base;
    uart = ops;
    console_write("\n");
    console_write(early);
}

uint64_t log_set_level(uint64_t level)
{
    uint64_t before = __atomic_load_n(&current_level, __ATOMIC_RELAXED);

    if (level <= LOG_DEBUG)
        __atomic_store_n(&current_level, level, __ATOMIC_RELAXED);
    return before;
}

size_t log_read(uint64_t *position, char *out, size_t size)
{
    spin_lock(&lock);
    uint64_t oldest = ring_end < RING_SIZE ? 0 : ring_end - RING_SIZE;
    uint64_t start = MIN(MAX(*position, oldest), ring_end);
    size_t count = MIN(size, ring_end - start);

    for (size_t i = 0; i < count; i++)
        out[i] = ring[(start + i) % RING_SIZE];
    spin_unlock(&lock);
    *position = start;
    return count;
}

/* Log lock held. */
static void write_line(enum log_level level, const char *line)
{
    char text[LINE_SIZE + 40];
    uint64_t frequency = MAX(sysreg_read(cntfrq_el0), 1ul), now = sysreg_read(cntpct_el0);

    (void)format_text(text, sizeof(text), "<%u>[%5lu.%06lu] %s\n", level, now / frequency,
                      now % frequency * 1000000 / frequency, line);
    for (const char *at = text; *at; at++)
        ring[ring_end++ % RING_SIZE] = *at;
    console_write("tarn: ");
    console_write(prefix[level]);
    console_write(line);
    console_write("\n");
}

/* At most GUEST_LINES a second of what guests do; says so if there were more. Log lock held. */
static bool guest_may_print(void)
{
    static uint64_t second, lines;
    uint64_t now = sysreg_read(cntpct_el0) / (sysreg_read(cntfrq_el0) | 1);

    if (now != second) {
        if (lines > GUEST_LINES)
            write_line(LOG_GUEST, "(more lines like these were not shown)");
        second = now;
        lines = 0;
    }
    return lines++ < GUEST_LINES;
}

void log_print(enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    bool limited = level == LOG_GUEST;
    va_list args;

    level = level == LOG_CONSOLE ? LOG_GUEST : level;
    if (level > __atomic_load_n(&current_level, __ATOMIC_RELAXED))
        return;
    va_start(args, format);
    (void)format_string(line, sizeof(line), format, args);
    va_end(args);
    spin_lock(&lock);
    if (!limited || guest_may_print())
        write_line(level, line);
    spin_unlock(&lock);
}
