/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels in the arm64 Image format (Linux Documentation/arm64/booting.rst), and where a domain's
 * parts go in its memory. Includes nothing.
 */
#ifndef CLI_IMAGE_H
#define CLI_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_image {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t size;        /* in memory, with what follows the file */
    uint64_t file_size;
};

/* Looks at an open file. Returns NULL, or what is wrong with it and a remedy. */
const char *image_check(int fd, struct kernel_image *image);

/* Guest addresses. */
struct layout {
    uint64_t kernel;
    uint64_t device_tree; /* begins a 2 MiB block of its own */
    uint64_t initrd, initrd_end;
    uint64_t end; /* of everything */
};

/* initrd_size: 0 for none. */
struct layout image_layout(const struct kernel_image *image, uint64_t initrd_size);

#endif
