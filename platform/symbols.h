/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of Tarn's functions, for backtraces. platform/mksymbols.py makes the table
 * from a first link of the image; the second link holds it behind .rodata. Includes types alone.
 */
#ifndef PLATFORM_SYMBOLS_H
#define PLATFORM_SYMBOLS_H

#include "platform/types.h"

/* The function that holds address, and how far into it; "?" if there is none. */
const char *symbol_of(uint64_t address, uint64_t *offset);

#endif
