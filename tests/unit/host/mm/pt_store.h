/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build-machine twin of mm/pt_store.h: stores to live translation tables pass through a function
 * that a test may define, to keep a log or to play the TLB. May include platform/types.h.
 */
#ifndef MM_PT_STORE_H
#define MM_PT_STORE_H

#include "platform/types.h"

void host_pt_store(uint64_t *entry, uint64_t descriptor);

static inline void pt_store(uint64_t *entry, uint64_t descriptor)
{
    host_pt_store(entry, descriptor);
}

#endif
