/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the road for bugs of our own: assert() and panic(). A guest must never be able to
 * reach either. May include platform/types.h.
 */
#ifndef PLATFORM_PANIC_H
#define PLATFORM_PANIC_H

#include "platform/types.h"

/* Registers at an exception taken from EL2 to EL2; core/entry.S fills it in. */
struct el2_frame {
    uint64_t x[31], sp, elr, spsr, esr, far;
};

/*
 * Prints the message, the CPU, the registers and a backtrace with symbol names, tells the other
 * CPUs to stop, and parks this CPU for good. Any CPU, any locks held.
 */
__attribute__((noreturn, cold, format(printf, 1, 2))) void panic(const char *format, ...);

/* The same for an exception: name of the vector, registers as they were. */
__attribute__((noreturn, cold)) void panic_frame(const char *name, const struct el2_frame *frame);

/* Called first in a panic, to stop the other CPUs; NULL until boot sets it. */
extern void (*panic_stop_others)(void);

#define assert(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition);                  \
    } while (0)

#endif
