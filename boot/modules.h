/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bootloader has put in memory for Tarn: nodes under /chosen compatible with
 * "multiboot,module", the convention that Xen, U-Boot scripts and QEMU's guest-loader share.
 * Boot only.
 */
#ifndef BOOT_MODULES_H
#define BOOT_MODULES_H

#include "platform/types.h"

enum module_kind { MODULE_KERNEL, MODULE_RAMDISK, MODULE_KINDS };

struct module {
    enum module_kind kind;
    const char *name;     /* of the node, in the machine's device tree */
    const char *bootargs; /* "" if it has none; in the machine's device tree */
    uint64_t base, size;
};

#define MODULES_MAX 8
struct modules {
    unsigned count;
    struct module module[MODULES_MAX];
};
extern struct modules modules;

/* Reads them; ends the boot at a node that is wrong. */
void modules_find(const void *fdt);

/* The first of a kind, or NULL. */
const struct module *module_of_kind(enum module_kind kind);

#endif
