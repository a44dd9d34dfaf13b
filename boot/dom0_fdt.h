/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0's device tree: the machine's, less what Tarn keeps, plus what Tarn is. Boot only.
 */
#ifndef BOOT_DOM0_FDT_H
#define BOOT_DOM0_FDT_H

#include "boot/ranges.h"
#include "platform/fdt.h"
#include "platform/types.h"

struct dom0_fdt_config {
    const struct ranges *ram;  /* dom0's own memory */
    const struct ranges *pool; /* the domain pool, reserved in dom0's eyes */
    const char *bootargs;
    struct pa_range initrd; /* size 0: none */
    unsigned nr_vcpus;
    uint64_t upcall_page; /* physical address */
};

/* Writes the tree to out, of size bytes; ends the boot if it cannot be made. */
void dom0_fdt_build(const struct dom0_fdt_config *config, const void *machine, void *out,
                    uint64_t size);

/*
 * Calls found for the registers of every enabled device, and for the windows of every PCI host
 * bridge: what dom0 is to reach 1:1. Not for memory, CPUs, /chosen, reserved memory, and what Tarn
 * keeps.
 */
void dom0_fdt_for_each_device(const void *machine, dt_range_fn found, void *context);

/* True for a node that dom0 does not get to see, or gets made anew. */
bool dom0_fdt_keeps_back(const void *fdt, int node);

#endif
