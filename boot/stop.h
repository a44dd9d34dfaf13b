/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How boot gives up: a sentence on the console, and the machine stays where it is.
 */
#ifndef BOOT_STOP_H
#define BOOT_STOP_H

/* Prints "Tarn cannot start: ...", a sentence without its full stop, and parks the CPU. */
__attribute__((noreturn, format(printf, 1, 2))) void boot_stop(const char *format, ...);

/* The same if a step says what is wrong, in a sentence; nothing if it is NULL. */
void boot_check(const char *error);

#endif
