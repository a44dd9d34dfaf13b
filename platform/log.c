/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tarn's log and the console it goes to. The log lock is the innermost of all.
 * May call platform.
 */
#include "platform/log.h"

#include <libfdt.h>
#include <stdarg.h>

#include "platform/console.h"
#include "platform/fdt.h"
#include "platform/printf.h"
#include "platform/spinlock.h"
#include "platform/string.h"
#include "platform/sysreg.h"

#define LINE_SIZE   256
#define EARLY_SIZE  2048
#define GUEST_LINES 10 /* per second, of all guests together */

static spinlock_t lock;
static enum log_level current_level = LOG_GUEST;
static const struct uart_ops *uart;
static volatile void *uart_base;
static char early[EARLY_SIZE]; /* lines printed before the console was known */
static size_t early_length;

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

bool console_find(const void *fdt, struct pa_range *registers, const struct uart_ops **ops)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    int length = 0;
    const char *path = fdt_getprop(fdt, chosen, "stdout-path", &length);

    if (!path || length <= 1)
        return false;
    /* "path:options" */
    const char *end = memchr(path, ':', (size_t)length);
    int node = fdt_path_offset_namelen(fdt, path, end ? (int)(end - path) : length - 1);
    if (node < 0)
        return false;
    *ops = uart_find(fdt, node);
    return *ops && dt_reg(fdt, node, 0, registers);
}

void console_start(const struct uart_ops *ops, volatile void *base)
{
    uart_base = base;
    uart = ops;
    console_write("\n");
    console_write(early);
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

/* At most GUEST_LINES a second of what guests do. Log lock held. */
static bool guest_may_print(void)
{
    static uint64_t second, lines;
    uint64_t now = sysreg_read(cntpct_el0) / (sysreg_read(cntfrq_el0) | 1);

    if (now != second) {
        second = now;
        lines = 0;
    }
    return lines++ < GUEST_LINES;
}

void log_print(enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    if (level > current_level)
        return;
    va_start(args, format);
    (void)format_string(line, sizeof(line), format, args);
    va_end(args);
    spin_lock(&lock);
    if (level != LOG_GUEST || guest_may_print()) {
        console_write("tarn: ");
        console_write(prefix[level]);
        console_write(line);
        console_write("\n");
    }
    spin_unlock(&lock);
}
