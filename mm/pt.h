/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page-table walker, for EL2's stage 1 and for stage 2 alike (Arm ARM D8.3, VMSAv8-64, 4 KiB
 * granule, levels 0..3, blocks of 2 MiB and 1 GiB). What the two differ in is handed in: root level
 * and width, attribute bits, where tables come from, how the TLB is told.
 *
 *   level 0   512 GiB an entry   tables only
 *   level 1     1 GiB            table or block
 *   level 2     2 MiB            table or block
 *   level 3     4 KiB            page
 *
 * Every operation first walks to find what it needs (plan: table pages are reserved, nothing is
 * written), then does it (commit: cannot fail). A valid descriptor never changes into another valid
 * one without being invalid, and out of all TLBs, in between (break-before-make, D8.14.1): whoever
 * uses the range meanwhile, on another CPU, may see a translation fault and has to try again.
 * Tables that become empty are freed at once; but for the root there are no empty ones.
 *
 * The caller holds the lock that guards the tables. May include platform.
 */
#ifndef MM_PT_H
#define MM_PT_H

#include "platform/sysreg.h"
#include "platform/types.h"

/* Physical address widths by ID_AA64MMFR0_EL1.PARange; without LPA2 more than 48 bits do not fit.
 */
static const uint8_t pt_widths[] = {32, 36, 40, 42, 44, 48};

/* The CPU's PARange, an index of pt_widths, and what TCR_EL2.PS and VTCR_EL2.PS are to be. */
static inline uint64_t pt_parange(void)
{
    return MIN(FIELD(sysreg_read(id_aa64mmfr0_el1), 3, 0), ARRAY_SIZE(pt_widths) - 1);
}

/* What the walker asks of its owner; context is struct pt's. */
struct pt_ops {
    /* A zeroed page for a table, or NULL; and its return. */
    void *(*alloc)(void *context);
    void (*free)(void *context, void *table);

    pa_t (*table_pa)(const void *table);
    void *(*table_va)(pa_t table);

    /* Completes the stores made so far, so that table walks of every CPU see them. */
    void (*publish)(void);

    /*
     * The same, then removes [input, input + size) from the TLBs of all CPUs, translations and
     * intermediate table entries; done on return. No translation in there was finer than granule.
     */
    void (*invalidate)(void *context, uint64_t input, uint64_t size, uint64_t granule);
};

/* One set of tables. */
struct pt {
    const struct pt_ops *ops;
    void *context;
    uint64_t *root;       /* all root tables, side by side where they are concatenated */
    unsigned start_level; /* 0 or 1 */
    unsigned input_bits;  /* 48 at most */
    unsigned output_bits; /* 48 at most */
};

/* The bits of a block or page descriptor that say how, not where: callers build and compare them.
 */
#define PT_ATTR_MASK 0xfff0000000000ffcul

/*
 * Maps [input, input + size) to output with attributes attr, in the biggest blocks that alignment
 * allows; all multiples of PAGE_SIZE. False, with nothing changed, if part of it is mapped already,
 * lies outside the input or output width, or a table cannot be had.
 */
bool pt_map(const struct pt *pt, uint64_t input, pa_t output, uint64_t size, uint64_t attr);

/*
 * Unmaps what is mapped in [input, input + size), multiples of PAGE_SIZE; blocks across an edge are
 * split. The TLBs are clean on return. False, with nothing changed, if the range lies outside the
 * input width or a table for a split cannot be had (never, where both edges are edges of mappings).
 */
bool pt_unmap(const struct pt *pt, uint64_t input, uint64_t size);

/* A translation. */
struct pt_leaf {
    pa_t output;   /* of the address asked for */
    uint64_t attr; /* PT_ATTR_MASK */
    uint64_t size; /* of the block or page that holds it */
};

/* Translates as the MMU would. False where nothing is mapped. */
bool pt_lookup(const struct pt *pt, uint64_t input, struct pt_leaf *leaf);

#endif
