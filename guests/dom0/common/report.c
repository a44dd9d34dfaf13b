/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error lines.
 */
#include "guests/dom0/common/report.h"

#include <stdarg.h>
#include <stdio.h>

static char last[1024];

int report(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(last, sizeof(last), format, args);
    va_end(args);
    fprintf(stderr, "tarn: %s\n", last);
    return code;
}

const char *last_report(void)
{
    return last;
}
