/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data cache maintenance by address, to the point of coherency: for memory that somebody will read
 * with caches off. May include platform/types.h.
 */
#ifndef PLATFORM_CACHE_H
#define PLATFORM_CACHE_H

#include "platform/types.h"

/* Cleans and invalidates [va, va + size). */
void cache_clean(const void *va, uint64_t size);

/* Zeroes and cleans [va, va + size), both multiples of 4 KiB. */
void cache_zero(void *va, uint64_t size);

/* Empties the instruction caches of all CPUs: some memory is about to hold another owner's code. */
void cache_forget_instructions(void);

#endif
