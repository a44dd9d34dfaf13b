/* SPDX-License-Identifier: Apache-2.0 */
/* Boot modules; see modules.h. May call libfdt, platform, boot/ranges, boot/stop. */
#include "boot/modules.h"

#include <libfdt.h>

#include "boot/stop.h"
#include "platform/fdt.h"
#include "platform/log.h"

struct boot_domain boot_domains[BOOT_DOMAINS_MAX + 1];
unsigned boot_domain_count = 1;

static const char *const kind_compatible[MODULE_KINDS] = {
    [MODULE_KERNEL] = "multiboot,kernel",
    [MODULE_RAMDISK] = "multiboot,ramdisk",
    [MODULE_DEVICE_TREE] = "multiboot,device-tree",
};

/*
 * Returns NULL, or what is wrong. reg is by the cells of its parent, of /chosen or, where they have
 * none (guest-loader), the root's.
 */
static const char *read_module(const void *fdt, int node, struct module *module)
{
    int length = 0, bus = fdt_parent_offset(fdt, node);
    struct pa_range range;

    while (bus > 0 && !fdt_getprop(fdt, bus, "#size-cells", NULL))
        bus = fdt_parent_offset(fdt, bus);
    if (!dt_reg_raw(fdt, node, bus, 0, &range) || range.size == 0)
        return "it has no usable reg: address and size, by #address-cells and #size-cells";
    const char *bootargs = fdt_getprop(fdt, node, "bootargs", &length);
    *module = (struct module){length > 0 ? bootargs : NULL, range.base, range.size};
    return length > 0 && bootargs[length - 1] ? "its bootargs are not a string" : NULL;
}

bool modules_refuse(struct boot_domain *domain, const char *what, const char *why)
{
    if (domain == boot_domains)
        boot_stop("boot module /chosen/%s: %s", what, why);
    if (!domain->refused)
        log_error("domain /chosen/%s is not started: %s: %s", domain->name, what, why);
    domain->refused = true;
    return false;
}

static const char unknown[] = "it is of no known kind, or the second of its kind";

/* Returns NULL, or what is wrong. */
static const char *add_module(const void *fdt, int node, struct boot_domain *to, struct ranges *ram)
{
    unsigned kind = 0;
    struct module module;

    while (kind < MODULE_KINDS && fdt_node_check_compatible(fdt, node, kind_compatible[kind]) != 0)
        kind++;
    bool dom0s_tree = to == boot_domains && kind == MODULE_DEVICE_TREE; /* that is the machine's */
    if (kind == MODULE_KINDS || to->module[kind].size || dom0s_tree)
        return unknown;
    const char *wrong = read_module(fdt, node, &module);
    if (!wrong && to != boot_domains && !ranges_contain(ram, module.base, module.size))
        wrong = "it is not in free RAM, or over another one: load it elsewhere";
    if (wrong)
        return wrong;
    (void)ranges_remove(ram, module.base, module.size);
    to->module[kind] = module;
    return NULL;
}

static void add_modules(const void *fdt, int parent, struct boot_domain *domain, struct ranges *ram)
{
    int node;

    fdt_for_each_subnode(node, fdt, parent) {
        if (fdt_node_check_compatible(fdt, node, "multiboot,module") != 0)
            continue;
        const char *wrong = add_module(fdt, node, domain, ram);
        if (wrong == unknown && domain == boot_domains)
            log_warn("boot module %s is not used: %s", fdt_get_name(fdt, node, NULL), wrong);
        else if (wrong)
            modules_refuse(domain, fdt_get_name(fdt, node, NULL), wrong);
    }
}

void modules_find(const void *fdt, struct ranges *ram)
{
    int node, chosen = fdt_path_offset(fdt, "/chosen");

    if (chosen < 0)
        return;
    add_modules(fdt, chosen, boot_domains, ram);
    fdt_for_each_subnode(node, fdt, chosen) {
        struct boot_domain *domain = &boot_domains[boot_domain_count];
        if (fdt_node_check_compatible(fdt, node, "tarn,domain") != 0)
            continue;
        *domain = (struct boot_domain){.name = fdt_get_name(fdt, node, NULL)};
        add_modules(fdt, node, domain, ram);
        if (boot_domain_count == BOOT_DOMAINS_MAX)
            modules_refuse(domain, "domain", "there are more than 15");
        else
            boot_domain_count++;
    }
}

void modules_take(struct ranges *set, unsigned first, uint64_t unit)
{
    for (unsigned i = first; i < boot_domain_count; i++) {
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
            const struct module *module = &boot_domains[i].module[kind];
            uint64_t base = align_down(module->base, unit);
            (void)ranges_remove(set, base, align_up(module->base + module->size, unit) - base);
        }
    }
}
