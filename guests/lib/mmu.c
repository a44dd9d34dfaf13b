/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage-1 map of a payload: one level-1 table of 1 GiB blocks, VA = PA. The GiB of the image is
 * Normal memory, all others Device. EL0_VIEW above it the same once more, for EL0.
 * May call platform.
 */
#include "guests/lib/payload.h"

#define GIB_SHIFT  30
#define ENTRIES    512
#define VIEW_INDEX (EL0_VIEW >> GIB_SHIFT)

/* Block descriptor, Arm ARM D8.3 */
#define BLOCK       0x1ul
#define ATTR_NORMAL (1ul << 2)
#define AP_EL0      (1ul << 6) /* read, write at EL0, too: not executable at EL1 then */
#define INNER       (3ul << 8)
#define ACCESSED    (1ul << 10)
#define UXN         (1ul << 54)

uint64_t mmu_table[ENTRIES] __attribute__((aligned(4096)));

void mmu_build(void);

static uint64_t block(uint64_t index, bool normal)
{
    return index << GIB_SHIFT | BLOCK | ACCESSED | INNER | (normal ? ATTR_NORMAL : 0);
}

static void set(uint64_t index, bool normal)
{
    mmu_table[index] = block(index, normal) | UXN;
    mmu_table[index + VIEW_INDEX] = block(index, normal) | AP_EL0;
}

/* With the MMU off, by start.S. */
void mmu_build(void)
{
    uint64_t image = (uint64_t)(uintptr_t)image_start >> GIB_SHIFT;
    for (uint64_t index = 0; index < VIEW_INDEX; index++)
        set(index, index == image);
    dsb(sy);
}

void mmu_map_gib(uint64_t address, bool normal)
{
    uint64_t index = address >> GIB_SHIFT;
    if (index == (uint64_t)(uintptr_t)image_start >> GIB_SHIFT)
        return;
    mmu_table[index] = mmu_table[index + VIEW_INDEX] = 0;
    dsb(ishst);
    __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
    set(index, normal);
    dsb(ishst);
    isb();
}
