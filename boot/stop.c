/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a boot that cannot go on; see stop.h. May call platform. */
#include "boot/stop.h"

#include <stdarg.h>

#include "platform/log.h"
#include "platform/printf.h"
#include "platform/sysreg.h"

void boot_stop(const char *format, ...)
{
    char why[256];
    va_list args;

    va_start(args, format);
    format_string(why, sizeof(why), format, args);
    va_end(args);
    log_error("Tarn cannot start: %s.", why);
    for (;;)
        wfi();
}

void boot_check(const char *error)
{
    if (error)
        boot_stop("%s", error);
}
