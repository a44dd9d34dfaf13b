/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tarn command says when something is wrong, and its exit codes. Includes nothing.
 */
#ifndef DOM0_REPORT_H
#define DOM0_REPORT_H

#include <stdio.h>

/* Exit codes, documented in tarn(1). */
enum exit_code {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,    /* the operation failed; said on stderr */
    EXIT_USAGE = 2,     /* the command line is wrong */
    EXIT_CONFIG = 3,    /* the configuration is wrong */
    EXIT_NO_DOMAIN = 4, /* there is no such domain */
    EXIT_TIMEOUT = 5,   /* what was waited for did not happen in time */
    EXIT_SIGNAL = 128,  /* and the number of the signal that ended it */
};

/* Prints "tarn: ..." as one line on stderr. Returns code. */
int report(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a line that names by itself where the mistake is: "FILE:LINE: ...". */
void report_line(FILE *errors, const char *line);

/* The last line that was printed; "" at first. All of them, as far as a few pages hold them. */
const char *last_report(void);
const char *all_reports(void);

/* Overwrites control characters with '?': a path holds any byte, a line is one line. */
void make_plain(char *text);

#endif
