/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that opens its file by name gets a descriptor that was opened for it: so it needs no
 * right to the file, nor to its folders. Includes nothing of Tarn.
 */
#ifndef TARN_OPENER_H
#define TARN_OPENER_H

#include <stdbool.h>

/*
 * For a child between fork() and dropping its rights: from now on every open of exactly `path` by
 * it, or by what it executes, yields `fd`; others are as ever. A process of its own, which ends
 * with the child, sees to it. Sets no_new_privs. False with errno set.
 */
bool opener_start(const char *path, int fd);

#endif
