/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error lines.
 */
#include "guests/dom0/common/report.h"

#include <stdarg.h>
#include <string.h>

#define LINE_SIZE 6144 /* a path is 4096 at most */

static char lines[4 * LINE_SIZE];
static char last[LINE_SIZE];

void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void report_line(FILE *errors, const char *line)
{
    size_t used = strlen(lines);

    if (line != last)
        snprintf(last, sizeof(last), "%s", line);
    make_plain(last);
    fprintf(errors, "%s\n", last);
    if (used + strlen(last) + 2 <= sizeof(lines))
        sprintf(lines + used, "%s\n", last);
}

int report(int code, const char *format, ...)
{
    va_list args;
    int prefix = snprintf(last, sizeof(last), "tarn: ");

    va_start(args, format);
    vsnprintf(last + prefix, sizeof(last) - (size_t)prefix, format, args);
    va_end(args);
    report_line(stderr, last);
    return code;
}

const char *last_report(void)
{
    return last;
}

const char *all_reports(void)
{
    return lines;
}
