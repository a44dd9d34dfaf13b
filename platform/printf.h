/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatting for the log: the subset of C's printf that log.h names. Includes nothing of ours.
 */
#ifndef PLATFORM_PRINTF_H
#define PLATFORM_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most size bytes, NUL included (size > 0), as C's vsnprintf would. Returns the length
 * written without the NUL. %s %c %d %u %x %%, l ll z, width, '0', '-'.
 */
size_t format_string(char *out, size_t size, const char *format, va_list args);

/* The same with the arguments themselves. */
__attribute__((format(printf, 3, 4))) size_t format_text(char *out, size_t size, const char *format,
                                                         ...);

#endif
