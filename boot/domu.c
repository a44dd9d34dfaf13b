/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that start with the machine; see boot.h, docs/boot-domains.md. The domain's own device
 * tree, made by `tarn fdt`, is the one description of it: its CPUs, memory and devices. What
 * depends on the other modules (where the initrd is) is written into its copy here. May call
 * libfdt, boot, core, mm, gic, platform.
 */
#include <libfdt.h>

#include "boot/boot.h"
#include "boot/fdt_edit.h"
#include "boot/modules.h"
#include "core/domain.h"
#include "gic/gic.h"
#include "guests/abi/domu.h"
#include "mm/el2_map.h"
#include "mm/pool.h"
#include "platform/cache.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/string.h"

#define SLOT_TREE 3 /* boot mappings */
#define SLOT_TO   4

/* One that is being made. */
struct plan {
    struct boot_domain *from;
    const void *tree; /* the module */
    unsigned nr_vcpus;
    uint64_t memory;           /* bytes from DOMU_RAM_BASE; odd: not as it should be */
    uint64_t kernel, tree_ipa; /* where they go; the tree has a block of its own */
    struct pa_range initrd;
};

static bool read_kernel(struct plan *plan)
{
    const struct module *kernel = &plan->from->module[MODULE_KERNEL];
    struct image_info image;

    const char *wrong = kernel->size ? image_check(kernel->base, kernel->size, &image)
                                     : "there is none: add a module \"multiboot,kernel\"";
    if (wrong)
        return modules_refuse(plan->from, "kernel", wrong);
    plan->kernel = DOMU_RAM_BASE + image.text_offset;
    plan->tree_ipa = align_up(plan->kernel + image.size, BLOCK_2M);
    plan->initrd.base = plan->tree_ipa + BLOCK_2M;
    plan->initrd.size = plan->from->module[MODULE_RAMDISK].size;
    return true;
}

static void add_bank(uint64_t base, uint64_t size, void *memory)
{
    uint64_t *bytes = memory;

    *bytes = *bytes == 0 && base == DOMU_RAM_BASE ? size : 1;
}

/* Returns NULL, or what is wrong. */
static const char *read_tree(struct plan *plan)
{
    const struct module *tree = &plan->from->module[MODULE_DEVICE_TREE];
    uint64_t mpidr[DOMAIN_MAX_VCPUS], size = MIN(tree->size, MIB);
    unsigned gic = 0;

    plan->tree = el2_map_boot(SLOT_TREE, pa(tree->base), size, false);
    if (!plan->tree || dt_check(plan->tree, size))
        return "there is none, or it is corrupt: add what tarn fdt wrote";
    plan->nr_vcpus = dt_cpus(plan->tree, mpidr, DOMAIN_MAX_VCPUS);
    dt_for_each_memory(plan->tree, add_bank, &plan->memory);
    if (dt_gic(plan->tree, &gic) < 0 || gic != gic_info.version)
        return "it has another interrupt controller than this machine: make it here, by tarn fdt";
    if (plan->memory % BLOCK_2M ||
        plan->initrd.base + plan->initrd.size > DOMU_RAM_BASE + plan->memory)
        return "its memory is too little for kernel and initrd, or odd: make it by tarn fdt";
    if (plan->memory > pool_blocks.free * BLOCK_2M)
        return "its memory is more than is free: make it with less, or lower dom0_mem=";
    return NULL;
}

/* Devices that a backend in dom0 will serve: nodes with tarn,device = <virtio id, queues>. */
static bool add_devices(const void *tree, struct domain *domain)
{
    struct pa_range range;
    int length = 0;

    for (int node = 0; node >= 0; node = fdt_next_node(tree, node, NULL)) {
        const uint32_t *cell = fdt_getprop(tree, node, "tarn,device", &length);
        if (cell &&
            (length != 8 || !dt_reg(tree, node, 0, &range) ||
             domain_vdev_create(domain, (range.base - DOMU_VIRTIO_BASE) / DOMU_VIRTIO_STRIDE,
                                dt_number(cell, 1), dt_number(cell + 1, 1)) != TARN_OK))
            return false;
    }
    return true;
}

/* The part of a module that goes to the block at `at`; where: of the module's first byte. */
static void load(uint64_t at, pa_t block, uint64_t where, const struct module *module)
{
    uint64_t from = MAX(at, where), end = MIN(at + BLOCK_2M, where + module->size);

    if (from < end)
        boot_copy(block.v + (from - at), module->base + (from - where), end - from);
}

static bool load_tree(const struct plan *plan, pa_t block)
{
    struct fdt_editor e = {.fdt = el2_map_boot(SLOT_TO, block, BLOCK_2M, true)};

    edit_check(&e, fdt_open_into(plan->tree, e.fdt, BLOCK_2M), "copying");
    edit_boot(&e, plan->from->module[MODULE_KERNEL].bootargs, plan->initrd);
    cache_clean(e.fdt, BLOCK_2M);
    el2_unmap_boot(SLOT_TO);
    return e.error == 0;
}

/* As dom0 wants the names of its domains. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        unsigned letter = (name[i] | 0x20u) - 'a', digit = (unsigned)name[i] - '0';
        bool other = digit <= 9 || name[i] == '_' || name[i] == '.' || name[i] == '-';
        if (letter > 25 && (i == 0 || !other))
            return false;
    }
    return length > 0 && length < TARN_NAME_SIZE;
}

/* What fails after CREATE leaves a domain that is not started, for dom0 to destroy. */
static const char *make(const struct plan *plan)
{
    struct domain_config config = {.nr_vcpus = plan->nr_vcpus, .nr_irqs = DOMU_NR_IRQS};
    struct domain *domain;
    pa_t block;

    if (!is_name(plan->from->name))
        return "its name is none: 1 to 31 of letters, digits, \"_.-\", a letter first";
    memcpy(config.name, plan->from->name, strlen(plan->from->name));
    if (plan->nr_vcpus > TARN_MAX_VCPUS || domain_create(&config, &domain) != TARN_OK)
        return "its name is taken, its vCPUs are none or too many, or heap= is too small";
    bool good = add_devices(plan->tree, domain);
    for (uint64_t at = DOMU_RAM_BASE, end = at + plan->memory; at < end; at += BLOCK_2M) {
        if (domain_populate(domain, ipa(at), NULL, end - at, &block) != TARN_OK)
            return "Tarn's heap cannot hold its stage-2 tables: raise heap=";
        load(at, block, plan->kernel, &plan->from->module[MODULE_KERNEL]);
        load(at, block, plan->initrd.base, &plan->from->module[MODULE_RAMDISK]);
        good = good && (at != plan->tree_ipa || load_tree(plan, block));
    }
    if (!good)
        return "a device of its tree is wrong, or its bootargs are too long: make it by tarn fdt";
    domain->entry[0] = plan->kernel;
    domain->entry[1] = plan->tree_ipa;
    domain->uart.log_name = domain->name;
    domain->uart.log_lines = VUART_LOG_LINES;
    (void)domain_start(domain);
    log_info("domain %s: started, %lu MiB, %u vCPU(s)", domain->name, plan->memory / MIB,
             domain->nr_vcpus);
    return NULL;
}

void domus_build(void)
{
    for (unsigned i = 1; i < boot_domain_count; i++) {
        struct plan plan = {.from = &boot_domains[i]};
        const char *wrong;
        if (plan.from->refused || !read_kernel(&plan))
            continue;
        if ((wrong = read_tree(&plan)) != NULL)
            modules_refuse(plan.from, "device tree", wrong);
        else if ((wrong = make(&plan)) != NULL)
            modules_refuse(plan.from, "domain", wrong);
        el2_unmap_boot(SLOT_TREE);
    }
}
