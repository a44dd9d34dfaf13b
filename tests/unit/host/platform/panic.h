/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of platform/panic.h: assert() and panic() end the running cmocka test, or
 * satisfy its expect_assert_failure(). May include platform/types.h.
 */
#ifndef PLATFORM_PANIC_H
#define PLATFORM_PANIC_H

#include "platform/types.h"

/* Ends the test, or the statement under expect_assert_failure. Never returns. */
__attribute__((noreturn, format(printf, 3, 4))) void host_panic(const char *file, int line,
                                                                const char *format, ...);

#define panic(...) host_panic(__FILE__, __LINE__, __VA_ARGS__)

#define assert(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            host_panic(__FILE__, __LINE__, "assertion failed: %s", #condition);                    \
    } while (0)

#endif
