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

/* By /chosen's #address-cells and #size-cells or, where it has none (guest-loader), the root's. */
static bool read_reg(const void *fdt, int node, struct pa_range *range)
{
    int parent = fdt_parent_offset(fdt, node);

    if (!fdt_getprop(fdt, parent, "#size-cells", NULL))
        parent = 0;
    return dt_reg_raw(fdt, node, parent, 0, range) && range->size != 0;
}

static void read_module(const void *fdt, int node, struct module *module)
{
    int length = 0;
    struct pa_range range;

    module->name = fdt_get_name(fdt, node, NULL);
    if (!read_reg(fdt, node, &range))
        boot_stop("boot module /chosen/%s has no usable reg: it must hold address and size by "
                  "/chosen's #address-cells and #size-cells",
                  module->name);
    module->base = range.base;
    module->size = range.size;
    module->bootargs = fdt_getprop(fdt, node, "bootargs", &length);
    if (!module->bootargs || length == 0)
        module->bootargs = "";
    else if (module->bootargs[length - 1] != '\0')
        boot_stop("boot module /chosen/%s has bootargs that are not a string", module->name);
}

void modules_find(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    int node;

    if (chosen < 0)
        return;
    fdt_for_each_subnode(node, fdt, chosen) {
        struct module module = {.kind = MODULE_KINDS};
        if (fdt_node_check_compatible(fdt, node, "multiboot,module") != 0)
            continue;
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++)
            if (fdt_node_check_compatible(fdt, node, kind_compatible[kind]) == 0)
                module.kind = (enum module_kind)kind;
        read_module(fdt, node, &module);
        if (module.kind == MODULE_KINDS || modules.count == MODULES_MAX)
            log_warn("boot module /chosen/%s is not used: its kind is not known, or there are more "
                     "than %u",
                     module.name, MODULES_MAX);
        else
            modules.module[modules.count++] = module;
    }
}

const struct module *module_of_kind(enum module_kind kind)
{
    for (unsigned i = 0; i < modules.count; i++)
        if (modules.module[i].kind == kind)
            return &modules.module[i];
    return NULL;
}
