/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own memory: 4 KiB pages, each with an owner (a domain id, or HEAP_OWNER_TARN), from one
 * contiguous physical range that EL2 keeps mapped read-write. Never used on an exit path.
 * May include platform.
 */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "platform/types.h"

#define HEAP_OWNER_TARN 0xfffe
#define HEAP_OWNER_FREE 0xffff

/* Takes [base, base + size) as heap; el2_va is where it is mapped. Once, boot CPU. */
void heap_init(pa_t base, uint64_t size, void *el2_va);

/*
 * Returns `pages` contiguous zeroed pages, physically aligned to `pages` rounded up to a power of
 * two, or NULL. Any CPU; takes the heap lock (a leaf: only the log lock nests inside). Constant
 * bound: the number of heap pages.
 */
void *heap_alloc(unsigned pages, uint16_t owner);

/* Frees what heap_alloc returned, same number of pages. The owner must match (asserted). */
void heap_free(void *pages, unsigned count, uint16_t owner);

/* Address translation inside the heap; asserted to be inside. */
pa_t heap_pa(const void *va);
void *heap_va(pa_t pa);

/* Frees all that a domain owns. Returns the number of pages. */
uint64_t heap_free_all(uint16_t owner);

/* To be read only. */
extern struct heap_pages {
    uint64_t total, free;
} heap_pages;

#endif
