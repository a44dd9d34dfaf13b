/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 Image header (Linux Documentation/arch/arm64/booting.rst). Pure logic.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "platform/types.h"

struct image_info {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t size;        /* in memory, BSS included */
};

/* Reads the header of a kernel of `size` bytes. Returns NULL, or what is wrong with it. */
const char *image_check(const void *image, uint64_t size, struct image_info *info);

#endif
