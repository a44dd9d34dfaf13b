/* SPDX-License-Identifier: Apache-2.0 */
/* Which physical ranges dom0 reaches 1:1; see dom0_fdt.h. May call libfdt, platform. */
#include <libfdt.h>

#include "boot/dom0_fdt.h"
#include "platform/string.h"

/* Windows of a PCI host bridge (IEEE 1275 PCI binding): `ranges` of <PCI address, parent, size>. */
static void pci_windows(const void *fdt, int node, dt_range_fn found, void *context)
{
    int length = 0;
    const uint32_t *cell = fdt_getprop(fdt, node, "ranges", &length);
    int parent = fdt_parent_offset(fdt, node);
    int address_cells = fdt_address_cells(fdt, parent);
    int pci_cells = fdt_address_cells(fdt, node);
    int size_cells = fdt_size_cells(fdt, node);

    if (!cell || address_cells < 1 || pci_cells < 1 || size_cells < 1)
        return;
    int row = pci_cells + address_cells + size_cells;
    for (int left = length / 4; left >= row; left -= row, cell += row) {
        uint64_t base = dt_number(cell + pci_cells, address_cells);
        uint64_t size = dt_number(cell + pci_cells + address_cells, size_cells);
        if (size && dt_translate(fdt, parent, &base) && size <= UINT64_MAX - base)
            found(base, size, context);
    }
}

static void registers(const void *fdt, int node, dt_range_fn found, void *context)
{
    struct pa_range range;

    for (unsigned i = 0; dt_reg(fdt, node, i, &range); i++)
        if (range.size)
            found(range.base, range.size, context);
}

/* Subtrees without devices for dom0; what they are named is laid down in the specification. */
static bool is_no_device(const void *fdt, int node)
{
    static const char *const names[] = {"cpus", "chosen", "reserved-memory"};
    const char *name = fdt_get_name(fdt, node, NULL);

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

void dom0_fdt_for_each_device(const void *fdt, dt_range_fn found, void *context)
{
    int depth = 0, skipped = 0; /* nodes deeper than `skipped` are passed over, if it is not 0 */
    int gic = dt_gic(fdt, NULL);

    for (int node = fdt_next_node(fdt, 0, &depth); node >= 0 && depth > 0;
         node = fdt_next_node(fdt, node, &depth)) {
        if (skipped && depth > skipped)
            continue;
        bool skip = !dt_enabled(fdt, node) || (depth == 1 && is_no_device(fdt, node)) ||
                    dom0_fdt_keeps_back(fdt, node);
        skipped = skip ? depth : 0;
        if (skip || node == gic)
            continue;
        registers(fdt, node, found, context);
        if (dt_has_type(fdt, node, "pci"))
            pci_windows(fdt, node, found, context);
    }
}
