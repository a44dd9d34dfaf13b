/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one store that changes a live translation table. A header of its own so that unit tests can
 * put a log and a model of the TLB in its place. May include platform/types.h.
 */
#ifndef MM_PT_STORE_H
#define MM_PT_STORE_H

#include "platform/types.h"

/*
 * Writes a descriptor, single-copy atomic. Release: a walk on any CPU that finds a link to a new
 * table finds that table's contents, too.
 */
static inline void pt_store(uint64_t *entry, uint64_t descriptor)
{
    __atomic_store_n(entry, descriptor, __ATOMIC_RELEASE);
}

#endif
