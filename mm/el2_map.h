/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own stage-1 map (48-bit VA, 4 KiB granule, TTBR0_EL2): text RX, rodata RO, data RW, stacks
 * with guard pages, devices, heap, and per-CPU windows onto guest memory. Never writable and
 * executable at once. May include platform and mm.
 *
 * Handshake with boot/head.S, which clears .bss and builds the first map in tables defined here
 * (pages in section .bss.pagetables, 512 descriptors each; addresses of layout.h):
 *   boot_l0[EL2_IMAGE_VA >> 39] -> boot_image_l1[0] -> boot_image_l2[0] -> boot_image_l3: the
 * image, pages; text RX, rodata RO, the rest RW; boot_l0[PA >> 39] -> boot_identity_l1 -> _l2 ->
 * _l3: the page of _head at its physical address, RX, for switching the MMU on. Its boot_l0 entry
 * must not be EL2's own (RAM below 127 TiB). MAIR_EL2: 0 = Normal WB (0xff), 1 = Device-nGnRE
 * (0x04), 2 = Normal NC (0x44). Leaves have AF, inner shareable, AP[1] as written by head.S or set.
 * head.S stores image_pa_offset, then turns on MMU and caches, then calls C.
 */
#ifndef MM_EL2_MAP_H
#define MM_EL2_MAP_H

#include "mm/layout.h"
#include "platform/types.h"

/* PA minus link address of the image, modulo 2^64. Written by head.S only. */
extern uint64_t image_pa_offset;

/* TTBR0_EL2, TCR_EL2, MAIR_EL2, SCTLR_EL2 for secondaries: head.S reads these four words, in this
 * order, with its MMU off. */
struct el2_mmu_config {
    uint64_t ttbr0, tcr, mair, sctlr;
};
extern struct el2_mmu_config el2_mmu_config;

/*
 * Early boot, boot CPU: takes over head.S's tables and fills el2_mmu_config from the live
 * registers, in memory for CPUs whose MMU is off. Page tables come from a small static reserve
 * until el2_map_heap, from the heap after it.
 */
void el2_map_init(void);

/*
 * Maps a device's registers (Device-nGnRE, RW, XN) and returns the EL2 address of base, which need
 * not be page-aligned. Panics when the device area is full or tables run out. Boot.
 */
volatile void *el2_map_device(pa_t base, uint64_t size);

/*
 * Maps [base, base + size), any alignment, read-only or read-write, in EL2_FDT_VA + slot * 1 GiB
 * (boot modules, device tree) and returns the address of base; slot < EL2_BOOT_SLOTS must be
 * unused. NULL if size is 0 or the range lies beyond the CPU's physical addresses; panics when it
 * is larger than the slot (1022 MiB always fit) or page tables run out. Boot; el2_unmap_boot takes
 * it away again (a slot that is not in use is left alone). What is written here for a guest's eyes
 * needs cache_clean.
 */
#define EL2_BOOT_SLOTS 8
void *el2_map_boot(unsigned slot, pa_t base, uint64_t size, bool writable);
void el2_unmap_boot(unsigned slot);

/* Maps the heap range, multiples of 2 MiB, at EL2_HEAP_VA and makes it the heap. Once, boot. */
void el2_map_heap(pa_t base, uint64_t size);

/*
 * Maps the stack of a CPU (the guard page below stays unmapped) from heap pages and returns its
 * upper end; NULL when the heap is exhausted. Once per CPU, boot CPU.
 */
void *el2_map_stack(unsigned cpu);

/* Drops the identity page that head.S needed, once all CPUs are up. Once. */
void el2_unmap_identity(void);

/* Physical address of something in the image (asserted). Any CPU. */
pa_t el2_image_pa(const void *va);

/*
 * Window: the calling CPU's temporary mapping of one 2 MiB block of guest memory, Normal WB, RW,
 * XN. open returns the address of `block` (2 MiB-aligned); close removes it, TLB maintenance
 * included. One at a time per CPU (asserted); not across a guest entry. No lock: the entry is the
 * CPU's own.
 */
void *window_open(pa_t block);
void window_close(void);

#endif
