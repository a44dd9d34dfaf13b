/* SPDX-License-Identifier: Apache-2.0 */
/* JSON on stdout. Includes nothing. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

/*
 * A string, in its quotes; NULL: null. A byte that is not part of UTF-8 becomes \udcXX, as Python's
 * surrogateescape has it, so that no two paths look the same.
 */
void json_string(FILE *out, const char *text);

/* ", "KEY": STRING": a member that is not the first one. */
void json_member(FILE *out, const char *key, const char *text);

/* An array of the lines of a text. */
void json_lines(FILE *out, const char *text);

#endif
