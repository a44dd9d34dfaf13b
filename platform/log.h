/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tarn's log: lines on the console UART. Levels as in a Unix log; nothing a guest does may print
 * above LOG_GUEST, which is rate-limited. May include platform/types.h.
 */
#ifndef PLATFORM_LOG_H
#define PLATFORM_LOG_H

#include "platform/types.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_GUEST, LOG_DEBUG };

/*
 * Prints one line, prefix and newline added, if level is at or below the current one. printf
 * subset: %s %c %d %u %x %p %% with l/ll/z, width, '0' and '-' flags. Any CPU; takes the log lock,
 * which is the innermost of all.
 */
__attribute__((format(printf, 2, 3))) void log_print(enum log_level level, const char *format, ...);

/* Sets the level up to which lines are printed. Boot. */
void log_set_level(enum log_level level);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_guest(...) log_print(LOG_GUEST, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
