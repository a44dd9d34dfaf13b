/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain pool: all memory of domUs, in blocks of 2 MiB. Each has exactly one owner, or is
 * shared and counts its users. A block is scrubbed before it changes hands. May include platform
 * and mm.
 */
#ifndef MM_POOL_H
#define MM_POOL_H

#include "platform/types.h"

#define POOL_OWNER_FREE 0xffff
#define POOL_SHARED     0x8000 /* plus the number of users */

/*
 * Takes the physical ranges (2 MiB-aligned), which must stay there, as pool; the owner table comes
 * from the heap. Boot CPU. Returns false when the heap cannot hold the table.
 */
bool pool_init(const struct pa_range *ranges, unsigned count);

/* Where a block should lie, instead of the physical address of one that it should follow. */
#define POOL_ANYWHERE pa(0)
#define POOL_NEW_GIB  pa(1) /* first of 1 GiB, aligned, that is all free */

/*
 * Gives one block, all zero, to `owner`: behind the block `after`, which is of the pool, if that is
 * free, else anywhere. Returns false when the pool is empty. Zeroes at most one block (through the
 * calling CPU's window). Any CPU; takes the pool lock (leaf), not held while zeroing.
 */
bool pool_alloc(uint16_t owner, pa_t after, pa_t *block);

/* One user more. False: the block is not shared, or has very many. Any CPU; takes the pool lock. */
bool pool_share(pa_t block);

/*
 * Takes a block back, a shared one (owner POOL_SHARED) from its last user: to be scrubbed before
 * its next use. Asserts that owner has it.
 */
void pool_free(pa_t block, uint16_t owner);

/* To be read only. */
extern struct pool_blocks {
    uint64_t total, free;
} pool_blocks;

/* Bytes owned by one domain. */
uint64_t pool_bytes_of(uint16_t owner);

#endif
