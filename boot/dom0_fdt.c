/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits a copy of the machine's device tree with libfdt. What a node is, is told by `compatible`
 * and by phandles alone. May call libfdt, boot/fdt_edit, boot/stop, gic, platform.
 */
#include "boot/dom0_fdt.h"

#include <libfdt.h>

#include "boot/fdt_edit.h"
#include "boot/stop.h"
#include "gic/vgic.h"
#include "guests/abi/domu.h"
#include "platform/string.h"

#define GIC_REG_MOST 128 /* cells of the GIC's reg */

/* What Tarn keeps for itself, does not offer, or describes anew. */
static const char *const kept_back[] = {
    "multiboot,module", "tarn,domain", "arm,gic-v3-its", "arm,armv8-pmuv3",      "arm,psci-1.0",
    "arm,psci-0.2",     "arm,psci",    "arm,smmu-v3",    "arm,mmu-500",          "arm,mmu-401",
    "arm,mmu-400",      "arm,smmu-v2", "arm,smmu-v1",    "numa-distance-map-v1",
};

static bool is_one_of(const void *fdt, int node, const char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (fdt_node_check_compatible(fdt, node, list[i]) == 0)
            return true;
    return false;
}

/* "arm,cortex-a72-pmu" and its like: the PMU of a core. */
static bool is_core_pmu(const void *fdt, int node)
{
    static const char head[] = "arm,cortex-", tail[] = "-pmu";
    int length = 0;
    const char *text = fdt_stringlist_get(fdt, node, "compatible", 0, &length);

    return text && strncmp(text, head, sizeof(head) - 1) == 0 &&
           strcmp(text + length - (sizeof(tail) - 1), tail) == 0;
}

bool dom0_fdt_keeps_back(const void *fdt, int node)
{
    return dt_has_type(fdt, node, "memory") || is_core_pmu(fdt, node) ||
           is_one_of(fdt, node, kept_back, ARRAY_SIZE(kept_back));
}

static void remove_nodes(struct fdt_editor *e)
{
    int node = fdt_next_node(e->fdt, 0, NULL);

    while (node >= 0 && !e->error) {
        if (dom0_fdt_keeps_back(e->fdt, node)) {
            edit_check(e, fdt_del_node(e->fdt, node), "removing a node");
            node = 0; /* offsets have moved: from the root again */
        }
        node = fdt_next_node(e->fdt, node, NULL);
    }
}

static bool refers_to_nothing(const void *fdt, int node, const char *name, unsigned at)
{
    int length = 0;
    const uint32_t *cell = fdt_getprop(fdt, node, name, &length);

    return cell && (unsigned)length / 4 > at &&
           fdt_node_offset_by_phandle(fdt, fdt32_to_cpu(cell[at])) < 0;
}

/* References to nodes that are gone, and to a NUMA topology that dom0 does not have. */
static void remove_references(struct fdt_editor *e)
{
    static const struct {
        const char *name;
        unsigned at; /* cell that holds the phandle */
    } rows[] = {{"iommus", 0}, {"msi-parent", 0}, {"iommu-map", 1}, {"msi-map", 1}};

    for (int node = 0; node >= 0 && !e->error; node = fdt_next_node(e->fdt, node, NULL)) {
        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
            if (refers_to_nothing(e->fdt, node, rows[i].name, rows[i].at))
                edit_remove(e, node, rows[i].name);
        edit_remove(e, node, "numa-node-id");
    }
}

static void add_memory(struct fdt_editor *e, const struct ranges *memory)
{
    for (unsigned i = 0; i < memory->count; i++) {
        int node = edit_unit(e, 0, "memory", memory->range[i].base);
        edit_set_string(e, node, "device_type", "memory");
        edit_set_reg(e, 0, node, &memory->range[i]);
    }
}

/* The pool has page structs in dom0's kernel (so not no-map), but is not its to allocate. */
static void reserve(struct fdt_editor *e, const struct ranges *pool)
{
    bool is_new = fdt_path_offset(e->fdt, "/reserved-memory") < 0;
    int parent = edit_child(e, 0, "reserved-memory");

    if (is_new) {
        edit_set_u32(e, parent, "#address-cells", 2);
        edit_set_u32(e, parent, "#size-cells", 2);
        edit_set(e, parent, "ranges", NULL, 0);
    }
    for (unsigned i = 0; i < pool->count; i++) {
        int node = edit_unit(e, parent, "tarn-pool", pool->range[i].base);
        edit_set_reg(e, parent, node, &pool->range[i]);
    }
}

struct old_cpus {
    char compatible[64]; /* of the first */
    uint32_t phandle[MAX_CPUS];
    unsigned count;
};

static void read_cpus(const void *fdt, int cpus, struct old_cpus *old)
{
    int node;

    fdt_for_each_subnode(node, fdt, cpus) {
        int length = 0;
        if (!dt_has_type(fdt, node, "cpu") || old->count == MAX_CPUS)
            continue;
        const char *text = fdt_stringlist_get(fdt, node, "compatible", 0, &length);
        if (old->count == 0 && text && (size_t)length < sizeof(old->compatible))
            memcpy(old->compatible, text, (size_t)length + 1);
        old->phandle[old->count++] = fdt_get_phandle(fdt, node);
    }
}

/*
 * One node per vCPU. Caches, idle states, operating points and topology are the physical CPUs' and
 * go; phandles stay, as other nodes refer to CPUs by them.
 */
static void edit_cpus(struct fdt_editor *e, const struct dom0_fdt_config *config)
{
    struct old_cpus old = {.compatible = "arm,armv8"};
    int node = fdt_path_offset(e->fdt, "/cpus");

    if (node >= 0) {
        read_cpus(e->fdt, node, &old);
        edit_check(e, fdt_del_node(e->fdt, node), "/cpus");
    }
    int cpus = edit_child(e, 0, "cpus");
    edit_set_u32(e, cpus, "#address-cells", 2);
    edit_set_u32(e, cpus, "#size-cells", 0);
    /* A new node comes first: from the last to the first, they end up in order. */
    for (unsigned i = config->nr_vcpus; i-- > 0;) {
        node = edit_unit(e, cpus, "cpu", vcpu_mpidr(i));
        edit_set_string(e, node, "device_type", "cpu");
        edit_set_string(e, node, "compatible", old.compatible);
        edit_set_string(e, node, "enable-method", "psci");
        edit_set_u64(e, node, "reg", vcpu_mpidr(i));
        if (i < old.count && old.phandle[i])
            edit_set_u32(e, node, "phandle", old.phandle[i]);
    }
}

static void add_psci(struct fdt_editor *e)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";
    int node = edit_child(e, 0, "psci");

    edit_set(e, node, "compatible", compatible, sizeof(compatible));
    edit_set_string(e, node, "method", "hvc");
}

/*
 * The maintenance interrupt and the hypervisor's registers go: no GICH and GICV, no GICC beside a
 * GICv3. So do SPIs by message (no ITS yet).
 */
static void edit_gic(struct fdt_editor *e)
{
    unsigned version;
    int gic = dt_gic(e->fdt, &version);
    uint32_t kept[GIC_REG_MOST];
    int length = 0;

    if (gic < 0)
        return;
    int bus = fdt_parent_offset(e->fdt, gic);
    const void *reg = fdt_getprop(e->fdt, gic, "reg", &length);
    size_t row = 4 * (size_t)(fdt_address_cells(e->fdt, bus) + fdt_size_cells(e->fdt, bus));
    size_t ranges = 1 + (version == 2 ? 1 : dt_cells(e->fdt, gic, "#redistributor-regions", 1));
    size_t size = row * ranges;
    if (!reg || ranges > GIC_REG_MOST || size > (size_t)length || size > sizeof(kept)) {
        edit_check(e, -FDT_ERR_BADVALUE, "reg of the GIC");
        return;
    }
    memcpy(kept, reg, size);
    edit_set(e, gic, "reg", kept, size);
    edit_remove(e, gic, "interrupts");
    edit_remove(e, gic, "mbi-ranges");
    if (fdt_get_phandle(e->fdt, gic) == 0) {
        uint32_t phandle = 0;
        edit_check(e, fdt_generate_phandle(e->fdt, &phandle), "phandle");
        edit_set_u32(e, gic, "phandle", phandle);
    }
}

static void add_hypervisor(struct fdt_editor *e, const struct dom0_fdt_config *config)
{
    struct pa_range page = {config->upcall_page, PAGE_SIZE};
    /* PPI, rising edge on any CPU (GICv2), no partition */
    uint32_t interrupt[4] = {cpu_to_fdt32(1), cpu_to_fdt32(TARN_UPCALL_INTID - 16),
                             cpu_to_fdt32(0xf01), 0};
    int node = edit_child(e, 0, "hypervisor");

    edit_set_string(e, node, "compatible", TARN_HYP_COMPATIBLE);
    edit_set_reg(e, 0, node, &page);
    edit_set_u32(e, node, "interrupt-parent", fdt_get_phandle(e->fdt, dt_gic(e->fdt, NULL)));
    edit_set(e, node, "interrupts", interrupt, 4 * (size_t)dt_interrupt_cells(e->fdt, node));
}

void dom0_fdt_build(const struct dom0_fdt_config *config, const void *machine, void *out,
                    uint64_t size)
{
    struct fdt_editor e = {.fdt = out};

    edit_check(&e, fdt_open_into(machine, out, (int)size), "copying");
    if (!e.error) {
        remove_nodes(&e);
        edit_gic(&e);
        edit_cpus(&e, config);
        add_psci(&e);
        add_memory(&e, config->ram);
        add_memory(&e, config->pool);
        reserve(&e, config->pool);
        edit_boot(&e, config->bootargs, config->initrd);
        add_hypervisor(&e, config);
        remove_references(&e);
        edit_check(&e, fdt_pack(out), "packing");
    }
    if (e.error)
        boot_stop("dom0's device tree cannot be made from the machine's: %s: %s", e.what,
                  fdt_strerror(e.error));
}
