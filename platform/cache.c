/* SPDX-License-Identifier: Apache-2.0 */
/* Cache maintenance; see cache.h. */
#include "platform/cache.h"

#include "platform/string.h"
#include "platform/sysreg.h"

#define CTR_DMINLINE(ctr) FIELD(ctr, 19, 16) /* log2 of words */
#define DCZID_DZP         BIT(4)
#define DCZID_BS(dczid)   FIELD(dczid, 3, 0) /* log2 of words */

void cache_clean(const void *va, uint64_t size)
{
    uint64_t line = 4ul << CTR_DMINLINE(sysreg_read(ctr_el0));
    uint64_t at = align_down((uintptr_t)va, line);
    uint64_t end = (uintptr_t)va + size;

    for (; at < end; at += line)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    dsb(sy);
}

void cache_zero(void *va, uint64_t size)
{
    uint64_t dczid = sysreg_read(dczid_el0);
    uint64_t block = 4ul << DCZID_BS(dczid);

    if (dczid & DCZID_DZP) {
        memset(va, 0, size);
    } else {
        for (uint64_t at = (uintptr_t)va; at < (uintptr_t)va + size; at += block)
            __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
    }
    cache_clean(va, size);
}

void cache_forget_instructions(void)
{
    __asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" : : : "memory");
}
