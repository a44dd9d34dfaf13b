/* SPDX-License-Identifier: Apache-2.0 */
/* Boot modules; see modules.h. May call libfdt, platform, boot/stop. */
#include "boot/modules.h"

#include <libfdt.h>

#include "boot/stop.h"
#include "platform/fdt.h"
#include "platform/log.h"

struct modules modules;

static const char *const kind_compatible[MODULE_KINDS] = {
    [MODULE_KERNEL] = "multiboot,kernel",
    [MODULE_RAMDISK] = "multiboot,ramdisk",
};

/*
 * /chosen's #address-cells and #size-cells or, where it has none (QEMU's guest-loader), the root's.
 * The address is physical: /chosen is no bus, so there is nothing to translate.
 */
static bool read_reg(const void *fdt, int node, struct pa_range *range)
{
    int length = 0;
    const uint32_t *reg = fdt_getprop(fdt, node, "reg", &length);
    int parent = fdt_parent_offset(fdt, node);

    if (!fdt_getprop(fdt, parent, "#size-cells", NULL))
        parent = 0;
    int address_cells = fdt_address_cells(fdt, parent);
    int size_cells = fdt_size_cells(fdt, parent);
    if (!reg || address_cells < 1 || size_cells < 1 || length < 4 * (address_cells + size_cells))
        return false;
    range->base = dt_number(reg, address_cells);
    range->size = dt_number(reg + address_cells, size_cells);
    return range->size != 0;
}

static const char *read_module(const void *fdt, int node, struct module *module)
{
    int length = 0;
    struct pa_range range;

    module->name = fdt_get_name(fdt, node, NULL);
    if (!read_reg(fdt, node, &range))
        return boot_sentence("boot module /chosen/%s has no usable reg: it must hold address and "
                             "size by /chosen's #address-cells and #size-cells",
                             module->name);
    module->base = range.base;
    module->size = range.size;
    module->bootargs = fdt_getprop(fdt, node, "bootargs", &length);
    if (!module->bootargs || length == 0)
        module->bootargs = "";
    return NULL;
}

const char *modules_find(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    int node;

    if (chosen < 0)
        return NULL;
    fdt_for_each_subnode(node, fdt, chosen)
    {
        struct module module = {.kind = MODULE_KINDS};
        if (fdt_node_check_compatible(fdt, node, "multiboot,module") != 0)
            continue;
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++)
            if (fdt_node_check_compatible(fdt, node, kind_compatible[kind]) == 0)
                module.kind = (enum module_kind)kind;
        const char *error = read_module(fdt, node, &module);
        if (error)
            return error;
        if (module.kind == MODULE_KINDS || modules.count == MODULES_MAX)
            log_warn("boot module /chosen/%s is not used: its kind is not known, or there are more "
                     "than %u",
                     module.name, MODULES_MAX);
        else
            modules.module[modules.count++] = module;
    }
    return NULL;
}

const struct module *module_of_kind(enum module_kind kind)
{
    for (unsigned i = 0; i < modules.count; i++)
        if (modules.module[i].kind == kind)
            return &modules.module[i];
    return NULL;
}
