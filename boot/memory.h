/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets which RAM: EL2's image and heap, dom0, the domain pool. Boot only, boot CPU.
 * May include platform, mm, boot/bootargs.h.
 */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#include "boot/ranges.h"
#include "platform/types.h"

/* dom0's RAM, for dom0.c. */
extern struct ranges dom0_ram;

/*
 * Reads RAM and what is reserved from the device tree, then places the heap, dom0's RAM and the
 * pool; ends the boot if something does not fit.
 */
void boot_memory(const void *fdt, pa_t fdt_pa);

#endif
