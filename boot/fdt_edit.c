/* SPDX-License-Identifier: Apache-2.0 */
/* Device-tree editor; see fdt_edit.h. May call libfdt, platform. */
#include "boot/fdt_edit.h"

#include <libfdt.h>

#include "platform/printf.h"
#include "platform/string.h"

#define NAME_ROOM 40

void edit_check(struct fdt_editor *e, int result, const char *what)
{
    if (result < 0 && !e->error) {
        e->error = result;
        e->what = what;
    }
}

/* what: of the error; outlives the editor. */
static int child(struct fdt_editor *e, int parent, const char *name, const char *what)
{
    int node = fdt_subnode_offset(e->fdt, parent, name);

    if (node == -FDT_ERR_NOTFOUND)
        node = fdt_add_subnode(e->fdt, parent, name);
    edit_check(e, node, what);
    return node;
}

int edit_child(struct fdt_editor *e, int parent, const char *name)
{
    return child(e, parent, name, name);
}

int edit_unit(struct fdt_editor *e, int parent, const char *name, uint64_t address)
{
    char text[NAME_ROOM];

    (void)format_text(text, sizeof(text), "%s@%lx", name, address);
    return child(e, parent, text, name);
}

void edit_set(struct fdt_editor *e, int node, const char *name, const void *value, size_t size)
{
    edit_check(e, fdt_setprop(e->fdt, node, name, value, (int)size), name);
}

void edit_set_string(struct fdt_editor *e, int node, const char *name, const char *value)
{
    edit_set(e, node, name, value, strlen(value) + 1);
}

void edit_set_u32(struct fdt_editor *e, int node, const char *name, uint32_t value)
{
    edit_check(e, fdt_setprop_u32(e->fdt, node, name, value), name);
}

void edit_set_u64(struct fdt_editor *e, int node, const char *name, uint64_t value)
{
    edit_check(e, fdt_setprop_u64(e->fdt, node, name, value), name);
}

void edit_set_reg(struct fdt_editor *e, int parent, int node, const struct pa_range *range)
{
    edit_remove(e, node, "reg");
    edit_check(e, fdt_appendprop_addrrange(e->fdt, parent, node, "reg", range->base, range->size),
               "reg (is an address larger than #address-cells allows?)");
}

void edit_remove(struct fdt_editor *e, int node, const char *name)
{
    if (fdt_getprop(e->fdt, node, name, NULL))
        edit_check(e, fdt_delprop(e->fdt, node, name), name);
}

void edit_boot(struct fdt_editor *e, const char *bootargs, struct pa_range initrd)
{
    int chosen = edit_child(e, 0, "chosen");

    if (bootargs)
        edit_set_string(e, chosen, "bootargs", bootargs);
    if (initrd.size) {
        edit_set_u64(e, chosen, "linux,initrd-start", initrd.base);
        edit_set_u64(e, chosen, "linux,initrd-end", initrd.base + initrd.size);
    } else {
        edit_remove(e, chosen, "linux,initrd-start");
        edit_remove(e, chosen, "linux,initrd-end");
    }
}
