/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits a copy of the machine's device tree with libfdt. Every edit goes through a struct editor
 * that keeps the first error, so that the steps read as a list. May call libfdt, platform.
 */
#include "boot/dom0_fdt.h"

#include <libfdt.h>

#include "boot/stop.h"
#include "guests/abi/domu.h"
#include "platform/string.h"

struct editor {
    void *fdt;
    int error;        /* first failure of libfdt, or 0 */
    const char *what; /* what failed */
    const struct dom0_fdt_config *config;
};

/* The kinds of interrupt controller that Tarn emulates. */
static const char *const gic_compatible[] = {"arm,gic-v3", "arm,cortex-a15-gic", "arm,gic-400",
                                             "arm,cortex-a7-gic"};
/* What Tarn keeps for itself or does not offer: gone from dom0's tree. */
static const char *const dropped[] = {"arm,smmu-v3", "arm,mmu-500", "arm,armv8-pmuv3",
                                      "arm,gic-v3-its"};

static bool is_one_of(const void *fdt, int node, const char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (fdt_node_check_compatible(fdt, node, list[i]) == 0)
            return true;
    return false;
}

static void check(struct editor *e, int result, const char *what)
{
    if (result < 0 && !e->error) {
        e->error = result;
        e->what = what;
    }
}

static int child(struct editor *e, int parent, const char *name)
{
    int node = e->error ? -1 : fdt_subnode_offset(e->fdt, parent, name);

    if (node < 0 && !e->error)
        node = fdt_add_subnode(e->fdt, parent, name);
    check(e, node, name);
    return node;
}

static void set_string(struct editor *e, int node, const char *name, const char *value)
{
    if (!e->error)
        check(e, fdt_setprop(e->fdt, node, name, value, (int)strlen(value) + 1), name);
}

static void set_u32(struct editor *e, int node, const char *name, uint32_t value)
{
    if (!e->error)
        check(e, fdt_setprop_u32(e->fdt, node, name, value), name);
}

static void set_u64(struct editor *e, int node, const char *name, uint64_t value)
{
    if (!e->error)
        check(e, fdt_setprop_u64(e->fdt, node, name, value), name);
}

/* reg of one range by the cells of parent. */
static void set_reg(struct editor *e, int parent, int node, const struct pa_range *range)
{
    if (e->error)
        return;
    uint32_t cell[8];
    int count = 0;
    int address_cells = fdt_address_cells(e->fdt, parent);
    int size_cells = fdt_size_cells(e->fdt, parent);

    if (address_cells > 1)
        cell[count++] = cpu_to_fdt32((uint32_t)(range->base >> 32));
    cell[count++] = cpu_to_fdt32((uint32_t)range->base);
    if (size_cells > 1)
        cell[count++] = cpu_to_fdt32((uint32_t)(range->size >> 32));
    if (size_cells > 0)
        cell[count++] = cpu_to_fdt32((uint32_t)range->size);
    check(e, fdt_setprop(e->fdt, node, "reg", cell, count * 4), "reg");
}

/* "name@hex" into text, which has room for it. */
static const char *unit_name(char *text, const char *name, uint64_t address)
{
    size_t at = strlen(name);
    bool begun = false;

    memcpy(text, name, at);
    text[at++] = '@';
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned digit = (unsigned)(address >> shift) & 15;
        begun = begun || digit || shift == 0;
        if (begun)
            text[at++] = "0123456789abcdef"[digit];
    }
    text[at] = '\0';
    return text;
}

/* Removes every node that `wanted` says, children first come with it. */
static void remove_nodes(struct editor *e, bool (*unwanted)(const void *fdt, int node))
{
    for (int node = fdt_next_node(e->fdt, -1, NULL); node >= 0 && !e->error;) {
        if (node > 0 && unwanted(e->fdt, node)) {
            check(e, fdt_del_node(e->fdt, node), "removing a node");
            node = fdt_next_node(e->fdt, -1, NULL);
        } else {
            node = fdt_next_node(e->fdt, node, NULL);
        }
    }
}

static bool is_memory(const void *fdt, int node)
{
    int length = 0;
    const char *type = fdt_getprop(fdt, node, "device_type", &length);

    return type && strcmp(type, "memory") == 0;
}

static bool is_not_dom0s(const void *fdt, int node)
{
    return is_memory(fdt, node) || is_one_of(fdt, node, dropped, ARRAY_SIZE(dropped)) ||
           fdt_node_check_compatible(fdt, node, "multiboot,module") == 0;
}

/* References to nodes that are gone. */
static void remove_references(struct editor *e)
{
    static const char *const names[] = {"iommus", "iommu-map", "msi-parent", "msi-map"};

    for (int node = fdt_next_node(e->fdt, -1, NULL); node >= 0;
         node = fdt_next_node(e->fdt, node, NULL)) {
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            int length = 0;
            const uint32_t *cell = fdt_getprop(e->fdt, node, names[i], &length);
            /* msi-map, iommu-map: <from phandle to count>; the others begin with the phandle */
            int at = strcmp(names[i] + strlen(names[i]) - 3, "map") == 0;
            if (cell && length > 4 * at &&
                fdt_node_offset_by_phandle(e->fdt, fdt32_to_cpu(cell[at])) < 0)
                (void)fdt_delprop(e->fdt, node, names[i]);
        }
    }
}

static void add_memory(struct editor *e)
{
    char name[40];

    for (unsigned pass = 0; pass < 2; pass++) {
        const struct pa_range *range = pass ? e->config->pool : e->config->ram;
        unsigned count = pass ? e->config->pool_count : e->config->ram_count;
        for (unsigned i = 0; i < count; i++) {
            int node = child(e, 0, unit_name(name, "memory", range[i].base));
            set_string(e, node, "device_type", "memory");
            set_reg(e, 0, node, &range[i]);
        }
    }
}

/* The pool has page structs in dom0's kernel (so not no-map), but is not its to allocate. */
static void reserve_pool(struct editor *e)
{
    char name[40];
    bool is_new = fdt_path_offset(e->fdt, "/reserved-memory") < 0;
    int parent = child(e, 0, "reserved-memory");

    if (is_new) {
        set_u32(e, parent, "#address-cells", 2);
        set_u32(e, parent, "#size-cells", 2);
        if (!e->error)
            check(e, fdt_setprop(e->fdt, parent, "ranges", NULL, 0), "ranges");
    }
    for (unsigned i = 0; i < e->config->pool_count; i++) {
        parent = fdt_path_offset(e->fdt, "/reserved-memory");
        int node = child(e, parent, unit_name(name, "tarn-pool", e->config->pool[i].base));
        set_reg(e, parent, node, &e->config->pool[i]);
    }
}

static void edit_chosen(struct editor *e)
{
    int chosen = child(e, 0, "chosen");

    set_string(e, chosen, "bootargs", e->config->bootargs);
    if (e->config->initrd.size) {
        set_u64(e, chosen, "linux,initrd-start", e->config->initrd.base);
        set_u64(e, chosen, "linux,initrd-end", e->config->initrd.base + e->config->initrd.size);
    }
}

/* One node per vCPU; what it is compatible with is the first physical CPU's. */
static void edit_cpus(struct editor *e)
{
    char compatible[64] = "arm,armv8";
    char name[40];
    int length = 0;
    int old = fdt_path_offset(e->fdt, "/cpus");
    int first = old < 0 ? -1 : fdt_node_offset_by_prop_value(e->fdt, old, "device_type", "cpu", 4);
    const char *text = first < 0 ? NULL : fdt_getprop(e->fdt, first, "compatible", &length);

    if (text && strnlen(text, sizeof(compatible)) < sizeof(compatible))
        memcpy(compatible, text, strlen(text) + 1);
    if (old >= 0)
        check(e, fdt_del_node(e->fdt, old), "/cpus");
    int cpus = child(e, 0, "cpus");
    set_u32(e, cpus, "#address-cells", 2);
    set_u32(e, cpus, "#size-cells", 0);
    /* libfdt puts a new node first: from the last to the first, they end up in order. */
    for (unsigned i = e->config->nr_vcpus; i-- > 0;) {
        int node = child(e, cpus, unit_name(name, "cpu", e->config->mpidr[i]));
        set_string(e, node, "device_type", "cpu");
        set_string(e, node, "compatible", compatible);
        set_string(e, node, "enable-method", "psci");
        set_u64(e, node, "reg", e->config->mpidr[i]);
    }
}

static void edit_psci(struct editor *e)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";
    int node = child(e, 0, "psci");

    if (!e->error)
        check(e, fdt_setprop(e->fdt, node, "compatible", compatible, sizeof(compatible)), "psci");
    set_string(e, node, "method", "hvc");
}

static int find_gic(const void *fdt)
{
    for (unsigned i = 0; i < ARRAY_SIZE(gic_compatible); i++) {
        int node = fdt_node_offset_by_compatible(fdt, -1, gic_compatible[i]);
        if (node >= 0)
            return node;
    }
    return -1;
}

/* GICH and GICV, the last two of four ranges, and the maintenance interrupt are the hypervisor's.
 */
static void edit_gic(struct editor *e)
{
    int node = find_gic(e->fdt);
    int length = 0;

    if (e->error || node < 0)
        return;
    if (fdt_getprop(e->fdt, node, "interrupts", &length))
        check(e, fdt_delprop(e->fdt, node, "interrupts"), "interrupts");
    if (e->config->gic_version != 2)
        return;
    int parent = fdt_parent_offset(e->fdt, node);
    int two = 2 * (fdt_address_cells(e->fdt, parent) + fdt_size_cells(e->fdt, parent)) * 4;
    uint32_t kept[16];
    const void *reg = fdt_getprop(e->fdt, node, "reg", &length);
    if (!reg || two > length || (size_t)two > sizeof(kept))
        return;
    memcpy(kept, reg, (size_t)two);
    check(e, fdt_setprop(e->fdt, node, "reg", kept, two), "GIC reg");
}

static void add_hypervisor(struct editor *e)
{
    struct pa_range page = {e->config->upcall_page, PAGE_SIZE};
    uint32_t interrupt[3] = {cpu_to_fdt32(1), cpu_to_fdt32(e->config->upcall_intid - 16),
                             cpu_to_fdt32(0xf01)}; /* PPI, rising edge, any CPU */
    int gic = find_gic(e->fdt);
    uint32_t phandle = gic < 0 ? 0 : fdt_get_phandle(e->fdt, gic);
    int node = child(e, 0, "hypervisor");

    set_string(e, node, "compatible", TARN_HYP_COMPATIBLE);
    set_reg(e, 0, node, &page);
    set_u32(e, node, "interrupt-parent", phandle);
    if (!e->error)
        check(e, fdt_setprop(e->fdt, node, "interrupts", interrupt, sizeof(interrupt)),
              "interrupts");
}

const char *dom0_fdt_build(const struct dom0_fdt_config *config, const void *machine, void *out,
                           uint64_t size)
{
    struct editor e = {.fdt = out, .config = config};

    check(&e, fdt_open_into(machine, out, (int)size), "copying");
    if (!e.error)
        remove_nodes(&e, is_not_dom0s);
    if (!e.error)
        remove_references(&e);
    edit_gic(&e);
    edit_cpus(&e);
    edit_psci(&e);
    add_memory(&e);
    reserve_pool(&e);
    edit_chosen(&e);
    add_hypervisor(&e);
    if (e.error)
        return boot_sentence("dom0's device tree cannot be made: %s: %s", e.what,
                             fdt_strerror(e.error));
    check(&e, fdt_pack(out), "packing");
    return NULL;
}

/* Devices to be mapped. */

/* Memory windows of a PCI host bridge: `ranges` with 3 cells of PCI address. */
static void pci_windows(const void *fdt, int node, dt_range_fn found, void *context)
{
    int length = 0;
    const uint32_t *cell = fdt_getprop(fdt, node, "ranges", &length);
    int parent = fdt_parent_offset(fdt, node);
    int address_cells = fdt_address_cells(fdt, parent);

    if (!cell || address_cells < 1)
        return;
    int row = 3 + address_cells + 2;
    for (int left = length / 4; left >= row; left -= row, cell += row) {
        uint64_t base = dt_number(cell + 3, address_cells);
        if (dt_translate(fdt, parent, &base))
            found(base, dt_number(cell + 3 + address_cells, 2), context);
    }
}

static bool is_under(const void *fdt, int node, const char *path)
{
    int top = fdt_path_offset(fdt, path);

    for (; node > 0; node = fdt_parent_offset(fdt, node))
        if (node == top)
            return true;
    return false;
}

void dom0_fdt_for_each_device(const void *fdt, dt_range_fn found, void *context)
{
    for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
         node = fdt_next_node(fdt, node, NULL)) {
        int length = 0;
        struct pa_range range;
        const char *type = fdt_getprop(fdt, node, "device_type", &length);
        if (is_not_dom0s(fdt, node) || !dt_enabled(fdt, node) || node == find_gic(fdt) ||
            is_under(fdt, node, "/cpus") || is_under(fdt, node, "/reserved-memory"))
            continue;
        for (unsigned i = 0; dt_reg(fdt, node, i, &range); i++)
            if (range.size)
                found(range.base, range.size, context);
        if (type && strcmp(type, "pci") == 0)
            pci_windows(fdt, node, found, context);
    }
}
