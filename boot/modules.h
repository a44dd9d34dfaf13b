/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bootloader has put in memory for Tarn: dom0's modules, nodes under /chosen compatible
 * with "multiboot,module" (the convention that Xen, U-Boot scripts and QEMU's guest-loader share),
 * and those of domains that start with the machine, under nodes of /chosen compatible with
 * "tarn,domain" (docs/boot-domains.md). Boot only.
 */
#ifndef BOOT_MODULES_H
#define BOOT_MODULES_H

#include "boot/ranges.h"
#include "platform/types.h"

enum module_kind { MODULE_KERNEL, MODULE_RAMDISK, MODULE_DEVICE_TREE, MODULE_KINDS };

struct module {
    const char *bootargs; /* in the machine's device tree; or NULL */
    uint64_t base, size;  /* size 0: there is none of this kind */
};

struct boot_domain {
    const char *name; /* of the node, in the machine's device tree */
    bool refused;     /* its description is wrong, and that has been said */
    struct module module[MODULE_KINDS];
};

/* The first is dom0; the last place is for one that is too many. */
#define BOOT_DOMAINS_MAX 16
extern struct boot_domain boot_domains[BOOT_DOMAINS_MAX + 1];
extern unsigned boot_domain_count;

/*
 * Reads them. Ends the boot at a module of dom0's that is wrong, and refuses other domains. Takes
 * their memory out of ram, where those of other domains must be.
 */
void modules_find(const void *fdt, struct ranges *ram);

/* Takes the memory of modules, from those of domain `first` on, in whole units, out of a set. */
void modules_take(struct ranges *set, unsigned first, uint64_t unit);

/* Says why a domain is not started (dom0: ends the boot); what: the part that is wrong. False. */
bool modules_refuse(struct boot_domain *domain, const char *what, const char *why);

#endif
