/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one page-table walker: EL2's stage 1 and every stage 2 (VMSAv8-64, 4 KiB granule; Arm ARM D8).
 * What differs between them (where tables come from, how their entries are dropped from TLBs) is
 * handed in, so that this runs and is tested anywhere. No locks: the caller's.
 *
 *      level 0   512 GiB an entry, tables only
 *      level 1     1 GiB           tables or blocks; stage 2 begins here, up to 16 tables in a row
 *      level 2     2 MiB           tables or blocks
 *      level 3     4 KiB           pages
 *
 * May include platform.
 */
#ifndef MM_PT_H
#define MM_PT_H

#include "platform/types.h"

#define PT_ENTRIES   512
#define PT_VALID     BIT(0)
#define PT_TABLE     BIT(1) /* levels 0-2: next table; level 3: page (must be set) */
#define PT_AF        BIT(10)
#define PT_SH_INNER  (3ul << 8)
#define PT_ADDRESS   0x0000fffffffff000ul
#define PT_ATTRS     (~PT_ADDRESS & ~(PT_VALID | PT_TABLE))

struct pt_ops {
    void *(*alloc)(void *context);              /* a zeroed table page, or NULL */
    void (*free)(void *context, void *table);   /* a table no walk can reach any more */
    uint64_t (*pa)(const void *table);          /* physical address of a table */
    void *(*va)(uint64_t pa);                   /* and back */
    void (*publish)(void);                      /* table writes before are seen by walkers after */
    void (*invalidate)(void *context, uint64_t address); /* an entry that mapped address is gone */
    void (*sync)(void *context);                /* completes all invalidate calls before */
};

struct pt {
    uint64_t *root;
    unsigned start_level;
    unsigned root_entries;
    const struct pt_ops *ops;
    void *context;
};

/*
 * Maps [va, va + size) to pa with `attrs` (descriptor bits within PT_ATTRS), all multiples of 4 KiB,
 * in the largest blocks that alignment allows. Returns false, with nothing changed, if part of it is
 * mapped, lies outside the tables, or no table page is to be had.
 */
bool pt_map(struct pt *pt, uint64_t va, uint64_t pa, uint64_t size, uint64_t attrs);

/*
 * Unmaps what is mapped in [va, va + size) and frees tables that become empty. Blocks that reach out
 * of the range are split first; returns false, translations unchanged, if no page is to be had for
 * that. On return no TLB holds any of it.
 */
bool pt_unmap(struct pt *pt, uint64_t va, uint64_t size);

/* Translates; the descriptor too if wanted (may be NULL). Returns false where nothing is mapped. */
bool pt_lookup(const struct pt *pt, uint64_t va, uint64_t *pa, uint64_t *descriptor);

/* Frees all tables, the root excepted, whatever they map. The caller drops the TLB entries. */
void pt_free_tables(struct pt *pt);

#endif
