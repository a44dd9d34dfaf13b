/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own stage-1 map (48-bit VA, 4 KiB granule, TTBR0_EL2): text RX, rodata RO, data RW, stacks
 * with guard pages, devices, heap, and per-CPU windows onto guest memory. Never writable and
 * executable at once. boot/head.S builds the first map (image + identity page) in the same tables.
 * May include platform and mm.
 */
#ifndef MM_EL2_MAP_H
#define MM_EL2_MAP_H

#include "mm/layout.h"
#include "platform/types.h"

/*
 * Early boot, boot CPU, one after the other. el2_map_init takes over head.S's root table and the
 * displacement between image VA and PA. Page tables come from a small static reserve until
 * el2_map_use_heap, from the heap after it.
 */
void el2_map_init(void);
void el2_map_use_heap(void);

/* Maps a device's registers (Device-nGnRE, RW, XN) and returns their EL2 address. Panics when the
 * device area is full. Boot. */
volatile void *el2_map_device(pa_t base, uint64_t size);

/* Maps [base, size) read-only or read-write at EL2_FDT_VA + slot * 1 GiB (boot modules, device tree).
 * Boot; unmapped again by el2_unmap_boot. Returns the address of base. */
void *el2_map_boot(unsigned slot, pa_t base, uint64_t size, bool writable);
void el2_unmap_boot(unsigned slot);

/* Maps the heap range at EL2_HEAP_VA and returns that address. Boot. */
void *el2_map_heap(pa_t base, uint64_t size);

/* Maps the stack of a CPU (guard pages stay unmapped) from heap pages and returns its upper end. Boot. */
void *el2_map_stack(unsigned cpu);

/* Drops the identity page that head.S needed, once all CPUs are up. */
void el2_unmap_identity(void);

/* Physical address of something in the image. */
pa_t el2_image_pa(const void *va);

/* TTBR0_EL2, TCR_EL2, MAIR_EL2, SCTLR_EL2 for secondaries (read by head.S's secondary entry). */
struct el2_mmu_config {
    uint64_t ttbr0, tcr, mair, sctlr;
};
extern struct el2_mmu_config el2_mmu_config;

/* Cleans it to memory, for CPUs that read it with their caches off. */
void el2_publish_mmu_config(void);

/*
 * Window: the calling CPU's temporary mapping of one 2 MiB block of guest memory, Normal WB, RW, XN.
 * open returns the address of `block` (2 MiB-aligned); close removes it, TLB maintenance included.
 * One at a time per CPU (asserted); not across a guest entry.
 */
void *window_open(pa_t block);
void window_close(void);

#endif
