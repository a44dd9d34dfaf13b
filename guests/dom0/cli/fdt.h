/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of a domU: the machine of guests/abi/domu.h. May include image.h, config.h.
 */
#ifndef CLI_FDT_H
#define CLI_FDT_H

#include <stddef.h>

#include "guests/dom0/cli/image.h"
#include "guests/dom0/common/config.h"

#define FDT_ROOM 65536 /* enough for every domain that config.h allows */

struct fdt_seeds {
    uint64_t kaslr;
    uint8_t rng[64];
};

/*
 * Writes the tree. gic_version: 2 or 3, the machine's. layout and seeds NULL: for a domain that
 * Tarn starts itself, without the devices that every other domain has. Returns 0 or a libfdt error
 * (FDT_ROOM too small is the only one there can be).
 */
int fdt_make(void *buffer, size_t size, const struct config *config, const struct layout *layout,
             unsigned gic_version, const struct fdt_seeds *seeds);

#endif
