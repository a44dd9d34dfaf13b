/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How boot gives up: a sentence on the console, and the machine stays where it is.
 */
#ifndef BOOT_STOP_H
#define BOOT_STOP_H

/* Prints "Tarn cannot start: ..." and parks the CPU. */
__attribute__((noreturn)) void boot_stop(const char *why);

/* Formats a sentence into one static buffer (boot is one CPU, and says one such sentence). */
__attribute__((format(printf, 1, 2))) const char *boot_sentence(const char *format, ...);

#endif
