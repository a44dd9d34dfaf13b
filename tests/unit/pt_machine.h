/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for page-table tests: table pages with an allocator that fails on demand, and a TLB
 * that remembers what was valid and insists on break-before-make.
 */
#ifndef PT_MACHINE_H
#define PT_MACHINE_H

#include "mm/pt.h"

#define PM_ATTR_A ((3ul << 6) | (1ul << 10))
#define PM_ATTR_B ((1ul << 54) | (1ul << 10))

/* Empty tables; input_bits says how many root tables there are. */
void pm_start(unsigned start_level, unsigned input_bits);
void pm_stop(void);

extern struct pt pm_pt;

/* Allocations that still succeed; UINT64_MAX at first. */
extern uint64_t pm_allocations_left;

/* Tables in use, root not counted. */
uint64_t pm_tables(void);

/* Calls of invalidate so far. */
uint64_t pm_invalidations(void);

/*
 * After an operation: all tables published, no stale TLB entry, every table is linked and holds
 * something. Returns a checksum of all translations, independent of the sizes of blocks if `shape`
 * is false.
 */
uint64_t pm_check(bool shape);

#endif
