/* SPDX-License-Identifier: Apache-2.0 */
/* boot_stop for tests; see stop_machine.h. */
#include "stop_machine.h"

#include <stdarg.h>
#include <stdio.h>

#include "boot/stop.h"

jmp_buf stop_return;
const char *stop_sentence;

void boot_stop(const char *format, ...)
{
    static char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    stop_sentence = text;
    longjmp(stop_return, 1);
}
