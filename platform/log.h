/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tarn's log: lines on the console UART. Levels as in a Unix log; nothing a guest does may print
 * above LOG_GUEST, which is rate-limited. May include platform/types.h.
 */
#ifndef PLATFORM_LOG_H
#define PLATFORM_LOG_H

#include "platform/types.h"

/* LOG_CONSOLE, for log_print alone: LOG_GUEST without its limit, for who has one. */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_GUEST, LOG_DEBUG, LOG_CONSOLE };

/*
 * Prints one line, prefix and newline added, if level is at or below the current one. printf
 * subset: %s %c %d %u %x %% with l/ll/z, width, '0' and '-' flags. Any CPU; takes the log lock,
 * which is the innermost of all.
 */
__attribute__((format(printf, 2, 3))) void log_print(enum log_level level, const char *format, ...);

/* Sets the level up to which lines are printed, unless it is none. Returns the former. Any CPU. */
uint64_t log_set_level(uint64_t level);

/*
 * Reads what was logged: *position counts bytes since boot, and is moved up to the oldest that is
 * still there, or back to the end. Returns the number of bytes from there, at most size, 0 at the
 * end. Lines are "<level>[seconds.microseconds] text\n". Any CPU; takes the log lock.
 */
size_t log_read(uint64_t *position, char *out, size_t size);

/*
 * The console it goes to: the UART of /chosen/stdout-path, or of console=. Until it is known, lines
 * are kept and printed when it is.
 */
struct uart_ops;

/*
 * Finds a console in the device tree: its registers and row. path: of its node, or an alias, and
 * options behind a colon; NULL for /chosen/stdout-path. Returns false, and leaves registers and ops
 * alone, if that names none that is known.
 */
bool console_find(const void *fdt, const char *path, struct pa_range *registers,
                  const struct uart_ops **ops);

/* Output goes to this UART from now on. base: EL2 address of its registers. */
void console_start(const struct uart_ops *ops, volatile void *base);

/* Writes text, no lock taken: for panic. "\n" becomes "\r\n". */
void console_write(const char *text);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_guest(...) log_print(LOG_GUEST, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
