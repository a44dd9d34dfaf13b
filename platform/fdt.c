/* SPDX-License-Identifier: Apache-2.0 */
/* Device-tree questions; see fdt.h. May call libfdt, platform. */
#include "platform/fdt.h"

#include <libfdt.h>

#include "platform/string.h"

const char *dt_check(const void *fdt, uint64_t room)
{
    if (!fdt || fdt_magic(fdt) != FDT_MAGIC)
        return "no device tree: x0 must point to one at entry (U-Boot: booti IMAGE - FDT; QEMU "
               "passes its own)";
    if (fdt_totalsize(fdt) > room)
        return "the device tree's header says it is larger than Tarn maps: it is corrupt";
    if (fdt_check_full(fdt, fdt_totalsize(fdt)) != 0)
        return "the device tree is truncated or corrupt: load it again (dtc -I dtb checks it)";
    return NULL;
}

uint64_t dt_number(const uint32_t *cell, int cells)
{
    uint64_t value = 0;

    for (int i = 0; i < cells; i++)
        value = value << 32 | fdt32_to_cpu(cell[i]);
    return value;
}

const char *dt_string(const void *fdt, int node, const char *name)
{
    int length = 0;
    const char *text = fdt_getprop(fdt, node, name, &length);

    return text && length > 0 && text[length - 1] == '\0' ? text : NULL;
}

uint64_t dt_cells(const void *fdt, int node, const char *name, uint64_t otherwise)
{
    int length = 0;
    const uint32_t *cell = fdt_getprop(fdt, node, name, &length);

    return cell && (length == 4 || length == 8) ? dt_number(cell, length / 4) : otherwise;
}

bool dt_enabled(const void *fdt, int node)
{
    const char *status = dt_string(fdt, node, "status");

    return !status || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

bool dt_has_type(const void *fdt, int node, const char *wanted)
{
    const char *type = dt_string(fdt, node, "device_type");

    return type && strcmp(type, wanted) == 0;
}

/* One step up: through the `ranges` of `bus`, whose parent is `parent`. */
static bool translate_step(const void *fdt, int bus, int parent, uint64_t *address)
{
    int length = 0;
    const uint32_t *ranges = fdt_getprop(fdt, bus, "ranges", &length);
    int child_cells = fdt_address_cells(fdt, bus);
    int parent_cells = fdt_address_cells(fdt, parent);
    int size_cells = fdt_size_cells(fdt, bus);

    if (!ranges)
        return false;
    if (length == 0)
        return true; /* identity */
    if (child_cells < 0 || parent_cells < 0 || size_cells < 0)
        return false;
    int row = child_cells + parent_cells + size_cells;
    for (int left = length / 4; left >= row; left -= row, ranges += row) {
        uint64_t from = dt_number(ranges, child_cells);
        uint64_t to = dt_number(ranges + child_cells, parent_cells);
        uint64_t size = dt_number(ranges + child_cells + parent_cells, size_cells);
        if (*address >= from && *address - from < size) {
            *address = *address - from + to;
            return true;
        }
    }
    return false;
}

bool dt_translate(const void *fdt, int node, uint64_t *address)
{
    while (node > 0) {
        int parent = fdt_parent_offset(fdt, node);
        if (parent < 0 || !translate_step(fdt, node, parent, address))
            return false;
        node = parent;
    }
    return true;
}

bool dt_reg_raw(const void *fdt, int node, int bus, unsigned index, struct pa_range *range)
{
    int length = 0;
    const uint32_t *reg = fdt_getprop(fdt, node, "reg", &length);

    if (!reg || bus < 0)
        return false;
    int address_cells = fdt_address_cells(fdt, bus);
    int size_cells = fdt_size_cells(fdt, bus);
    if (address_cells < 1 || size_cells < 1)
        return false;
    int row = address_cells + size_cells;
    if ((uint64_t)length / 4 < ((uint64_t)index + 1) * (unsigned)row)
        return false;
    reg += (unsigned)row * index;
    range->base = dt_number(reg, address_cells);
    range->size = dt_number(reg + address_cells, size_cells);
    return range->size <= UINT64_MAX - range->base;
}

bool dt_reg(const void *fdt, int node, unsigned index, struct pa_range *range)
{
    int parent = fdt_parent_offset(fdt, node);

    return dt_reg_raw(fdt, node, parent, index, range) && dt_translate(fdt, parent, &range->base) &&
           range->size <= UINT64_MAX - range->base;
}

int dt_interrupt_cells(const void *fdt, int node)
{
    uint64_t parent = 0;

    for (; node >= 0 && parent == 0; node = fdt_parent_offset(fdt, node))
        parent = dt_cells(fdt, node, "interrupt-parent", 0);
    node = fdt_node_offset_by_phandle(fdt, (uint32_t)parent);
    return dt_cells(fdt, node, "#interrupt-cells", 3) == 4 ? 4 : 3;
}

/* Bindings arm,gic.yaml and arm,gic-v3.yaml: those that can have virtual interfaces. */
int dt_gic(const void *fdt, unsigned *version)
{
    static const struct {
        const char *compatible;
        unsigned version;
    } known[] = {
        {"arm,gic-v3", 3},
        {"arm,gic-400", 2},
        {"arm,cortex-a15-gic", 2},
        {"arm,cortex-a7-gic", 2},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        int node = fdt_node_offset_by_compatible(fdt, -1, known[i].compatible);
        while (node >= 0 && !dt_enabled(fdt, node))
            node = fdt_node_offset_by_compatible(fdt, node, known[i].compatible);
        if (version)
            *version = known[i].version;
        if (node >= 0)
            return node;
    }
    return -1;
}

/* The same bindings: kind (0 = SPI, 1 = PPI), number, flags. */
bool dt_interrupt(const void *fdt, int node, unsigned index, uint32_t *intid)
{
    int length = 0;
    const uint32_t *cell = fdt_getprop(fdt, node, "interrupts", &length);
    unsigned row = (unsigned)dt_interrupt_cells(fdt, node);

    if (!cell || (uint64_t)length / (4 * row) <= index)
        return false;
    cell += row * index;
    uint32_t kind = fdt32_to_cpu(cell[0]), number = fdt32_to_cpu(cell[1]);
    if (kind > 1 || number >= (kind == 1 ? 16 : 988))
        return false;
    *intid = number + (kind == 1 ? 16 : 32);
    return true;
}

void dt_for_each_memory(const void *fdt, dt_range_fn found, void *context)
{
    for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
         node = fdt_next_node(fdt, node, NULL)) {
        struct pa_range range;
        if (!dt_has_type(fdt, node, "memory") || !dt_enabled(fdt, node))
            continue;
        for (unsigned i = 0; dt_reg(fdt, node, i, &range); i++)
            found(range.base, range.size, context);
    }
}

void dt_for_each_reserved(const void *fdt, dt_range_fn found, void *context)
{
    int parent = fdt_path_offset(fdt, "/reserved-memory");
    int node;

    for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
        uint64_t base, size;
        if (fdt_get_mem_rsv(fdt, i, &base, &size) == 0)
            found(base, MIN(size, UINT64_MAX - base), context);
    }
    if (parent < 0)
        return;
    fdt_for_each_subnode(node, fdt, parent) {
        struct pa_range range;
        for (unsigned i = 0; dt_enabled(fdt, node) && dt_reg_raw(fdt, node, parent, i, &range); i++)
            found(range.base, range.size, context);
    }
}

unsigned dt_cpus(const void *fdt, uint64_t *mpidr, unsigned most)
{
    int parent = fdt_path_offset(fdt, "/cpus");
    unsigned count = 0;
    int node;

    if (parent < 0)
        return 0;
    int cells = fdt_address_cells(fdt, parent);
    fdt_for_each_subnode(node, fdt, parent) {
        int length = 0;
        if (!dt_has_type(fdt, node, "cpu") || !dt_enabled(fdt, node) || count == most)
            continue;
        const uint32_t *reg = fdt_getprop(fdt, node, "reg", &length);
        if (reg && cells > 0 && length >= 4 * cells)
            mpidr[count++] = dt_number(reg, cells) & 0xff00fffffful;
    }
    return count;
}

uint64_t dt_seed(const void *fdt)
{
    static const char *const names[] = {"kaslr-seed", "rng-seed"};
    int chosen = fdt_path_offset(fdt, "/chosen");
    uint64_t seed = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        int length = 0;
        const uint32_t *cell = fdt_getprop(fdt, chosen, names[i], &length);
        if (cell && length >= 8)
            seed ^= dt_number(cell, 2);
    }
    return seed;
}
