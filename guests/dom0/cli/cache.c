/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data caches, by the instructions that Linux leaves to EL0 (SCTLR_EL1.UCI, UCT).
 */
#include "guests/dom0/cli/cache.h"

#include <stdint.h>

void cache_clean(const void *start, size_t size)
{
    uint64_t type;

    __asm__("mrs %0, ctr_el0" : "=r"(type));
    uintptr_t line = 4ul << ((type >> 16) & 15); /* CTR_EL0.DminLine: log2 of words */
    uintptr_t end = (uintptr_t)start + size;

    for (uintptr_t at = (uintptr_t)start & ~(line - 1); at < end; at += line)
        __asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb sy" : : : "memory");
}
