/* SPDX-License-Identifier: Apache-2.0 */
/* The text of configuration files: what libconfuse does not do well. Includes nothing. */
#ifndef DOM0_CONFIG_TEXT_H
#define DOM0_CONFIG_TEXT_H

#include <stddef.h>

/* The whole file as a string to be freed, or NULL with errno set. */
char *config_text_read(const char *file);

/*
 * libconfuse miscounts lines that have comments, so they are overwritten with blanks; and takes a
 * section that the file's end cuts off. Returns what is wrong and the remedy, and where, or NULL.
 */
const char *config_text_prepare(char *text, int *line);

/* What libconfuse says of a text, said as all errors here are: key, what is wrong, remedy. */
void config_text_reword(const char *message, char *said, size_t size);

#endif
