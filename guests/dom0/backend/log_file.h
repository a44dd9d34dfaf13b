/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that the console's output is appended to, of bounded size: at LOG_FILE_LIMIT bytes its
 * content moves to a second file, in place of what was there. Includes nothing.
 */
#ifndef BACKEND_LOG_FILE_H
#define BACKEND_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#define LOG_FILE_LIMIT (1u << 20)

/*
 * fd: open for reading and appending, or -1 for none. old: open for reading and writing, or -1: fd
 * has no end (a terminal, a pipe) and is left to grow.
 */
void log_file_open(int fd, int old);

/* An aid: where it cannot be written, nothing is logged any more, and the domain goes on. */
void log_file_append(const uint8_t *data, size_t size);

#endif
