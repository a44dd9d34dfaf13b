/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the road for bugs of our own: assert() and panic(). A guest must never be able to reach
 * either. May include platform/types.h.
 */
#ifndef PLATFORM_PANIC_H
#define PLATFORM_PANIC_H

#include "platform/types.h"

/*
 * Prints the message, the CPU, and a backtrace with symbol names, stops the other CPUs' output, and
 * parks this CPU for good. Any CPU, any locks held.
 */
__attribute__((noreturn, cold, format(printf, 1, 2))) void panic(const char *format, ...);

#define assert(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition);                  \
    } while (0)

#endif
