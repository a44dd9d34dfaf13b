/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tarn's own options, from /chosen/bootargs. README lists them for users. Boot only.
 */
#ifndef BOOT_BOOTARGS_H
#define BOOT_BOOTARGS_H

#include "platform/types.h"

struct bootargs {
    uint64_t dom0_mem;   /* dom0_mem=SIZE[K|M|G]: bytes; 0 = not given */
    uint64_t heap;       /* heap=SIZE: bytes; 0 = not given */
    uint64_t dom0_vcpus; /* dom0_vcpus=N; 0 = one per CPU */
    char console[96];    /* console=PATH or ALIAS of a UART's node; "": /chosen/stdout-path */
    uint64_t panic_test; /* panic_test=1: panic at the end of boot, to see what one looks like */
};
extern struct bootargs bootargs;

/*
 * Parses a command line; unknown or malformed options are named in a warning and passed over.
 * `line` may be NULL.
 */
void bootargs_parse_line(const char *line);

/* The same for /chosen/bootargs of a device tree; nothing if fdt is NULL. */
void bootargs_parse(const void *fdt);

#endif
