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
    int node = e->error ? -1 : fdt_subnode_offset(e->fdt, parent, name);

    if (node < 0 && !e->error)
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
    if (!e->error)
        edit_check(e, fdt_setprop(e->fdt, node, name, value, (int)size), name);
}

void edit_set_string(struct fdt_editor *e, int node, const char *name, const char *value)
{
    edit_set(e, node, name, value, strlen(value) + 1);
}

void edit_set_u32(struct fdt_editor *e, int node, const char *name, uint32_t value)
{
    uint32_t cell = cpu_to_fdt32(value);

    edit_set(e, node, name, &cell, sizeof(cell));
}

void edit_set_u64(struct fdt_editor *e, int node, const char *name, uint64_t value)
{
    uint64_t cells = cpu_to_fdt64(value);

    edit_set(e, node, name, &cells, sizeof(cells));
}

/* Appends `cells` cells with value to cell[]; false if it is too large for them. */
static bool put_cells(uint32_t *cell, int *count, int cells, uint64_t value)
{
    for (int i = cells - 1; i >= 0; i--)
        cell[(*count)++] = i > 1 ? 0 : cpu_to_fdt32((uint32_t)(value >> (32 * i)));
    return cells > 1 || (value >> 32 == 0 && cells == 1);
}

void edit_set_reg(struct fdt_editor *e, int parent, int node, const struct pa_range *range)
{
    uint32_t cell[2 * FDT_MAX_NCELLS];
    int count = 0;

    if (e->error)
        return;
    int address_cells = fdt_address_cells(e->fdt, parent);
    int size_cells = fdt_size_cells(e->fdt, parent);
    bool fits = put_cells(cell, &count, address_cells, range->base) &&
                put_cells(cell, &count, size_cells, range->size);
    edit_check(e, fits ? 0 : -FDT_ERR_BADNCELLS, "an address larger than #address-cells allows");
    edit_set(e, node, "reg", cell, (size_t)count * 4);
}

void edit_remove(struct fdt_editor *e, int node, const char *name)
{
    if (!e->error && fdt_getprop(e->fdt, node, name, NULL))
        edit_check(e, fdt_delprop(e->fdt, node, name), name);
}
