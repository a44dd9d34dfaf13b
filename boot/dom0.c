/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dom0 builder. dom0's memory is mapped 1:1, so modules that a bootloader put inside it stay
 * where they are; what lies elsewhere, or in the way of the kernel, is copied. May call boot, core,
 * mm, gic, platform.
 */
#include "boot/dom0.h"

#include "boot/bootargs.h"
#include "boot/dom0_fdt.h"
#include "boot/image.h"
#include "boot/memory.h"
#include "boot/modules.h"
#include "boot/stop.h"
#include "core/domain.h"
#include "gic/gic.h"
#include "guests/abi/domu.h"
#include "mm/el2_map.h"
#include "mm/heap.h"
#include "mm/pool.h"
#include "platform/cache.h"
#include "platform/cpu.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/string.h"

#define FDT_ROOM    (64 * KIB) /* dom0's device tree is the machine's and at most this much more */
#define SLOT_FROM   1          /* boot mappings; 0 is the machine's device tree */
#define SLOT_TO     2
#define COPY_WINDOW (64 * MIB)

/* Where things are in dom0's memory. */
static struct placement {
    struct pa_range kernel; /* image_size bytes, BSS included */
    struct pa_range initrd; /* size 0: none */
    struct pa_range fdt;
} place;

/* Parts of dom0's memory that hold nothing we need. */
static struct ranges spare;

/* Copies physical memory before any guest runs; the copy is cleaned to memory. May overlap
 * downward. */
static void copy(uint64_t to, uint64_t from, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        uint64_t part = MIN(size - done, COPY_WINDOW);
        const void *source = el2_map_boot(SLOT_FROM, pa(from + done), part, false);
        void *target = el2_map_boot(SLOT_TO, pa(to + done), part, true);
        memcpy(target, source, part);
        cache_clean(target, part);
        el2_unmap_boot(SLOT_FROM);
        el2_unmap_boot(SLOT_TO);
        done += part;
    }
}

/* A guest starts with its caches off: what a bootloader left in ours must be in memory. */
static void clean(uint64_t base, uint64_t size)
{
    const void *va = el2_map_boot(SLOT_FROM, pa(base), size, false);

    cache_clean(va, size);
    el2_unmap_boot(SLOT_FROM);
}

static bool take(uint64_t size, uint64_t align, uint64_t *base)
{
    return ranges_find(&spare, size, align, base) && ranges_remove(&spare, *base, size);
}

/* The kernel may stay if its 2 MiB alignment and the room behind it (BSS) are right. */
static const char *place_kernel(const struct module *module)
{
    const void *va = el2_map_boot(SLOT_FROM, pa(module->base), module->size, false);
    struct image_info image;
    const char *error = image_check(va, module->size, &image);
    uint64_t base;

    el2_unmap_boot(SLOT_FROM);
    if (error)
        return boot_sentence("dom0's kernel (module %s): %s", module->name, error);
    uint64_t bss = image.size - MIN(image.size, module->size);
    place.kernel.size = MAX(image.size, module->size);
    bool in_place = (module->base - image.text_offset) % BLOCK_2M == 0 &&
                    ranges_contain(&dom0_ram, module->base, place.kernel.size) &&
                    (bss == 0 || ranges_contain(&spare, module->base + module->size, bss));
    if (in_place) {
        place.kernel.base = module->base;
        (void)ranges_remove(&spare, module->base, place.kernel.size);
        clean(module->base, module->size);
        return NULL;
    }
    if (!take(place.kernel.size + image.text_offset, BLOCK_2M, &base))
        return boot_sentence("dom0's kernel needs %lu MiB in one piece, which dom0_mem= does not "
                             "leave; raise it",
                             place.kernel.size / MIB);
    place.kernel.base = base + image.text_offset;
    copy(place.kernel.base, module->base, module->size);
    return NULL;
}

static const char *place_initrd(const struct module *module)
{
    if (!module)
        return NULL;
    place.initrd = (struct pa_range){module->base, module->size};
    if (ranges_contain(&dom0_ram, module->base, module->size)) {
        clean(module->base, module->size);
        return NULL;
    }
    if (!take(module->size, PAGE_SIZE, &place.initrd.base))
        return boot_sentence("dom0's initrd of %lu MiB does not fit in dom0_mem=; raise it",
                             module->size / MIB);
    copy(place.initrd.base, module->base, module->size);
    return NULL;
}

static const char *place_modules(const void *fdt)
{
    const struct module *kernel = module_of_kind(MODULE_KERNEL);
    const struct module *initrd = module_of_kind(MODULE_RAMDISK);
    const char *error;

    if (!kernel)
        return "no kernel for dom0: /chosen needs a node compatible with \"multiboot,module\" and "
               "\"multiboot,kernel\" (QEMU: -device guest-loader,kernel=...)";
    spare = dom0_ram;
    for (unsigned i = 0; i < modules.count; i++)
        (void)ranges_remove(&spare, modules.module[i].base, modules.module[i].size);
    error = place_kernel(kernel);
    if (!error)
        error = place_initrd(initrd);
    place.fdt.size = align_up(dt_size(fdt) + FDT_ROOM, PAGE_SIZE);
    if (!error && !take(place.fdt.size, BLOCK_2M, &place.fdt.base))
        error = "no room for dom0's device tree in dom0_mem=; raise it";
    return error;
}

/* Stage 2 of dom0: its RAM and every device of the tree. */

struct device_map {
    struct domain *domain;
    struct ranges devices;
    bool failed;
};

static void add_device(uint64_t base, uint64_t size, void *context)
{
    struct device_map *map = context;
    uint64_t first = align_down(base, PAGE_SIZE);

    if (!ranges_add(&map->devices, first, align_up(base + size, PAGE_SIZE) - first))
        map->failed = true;
}

static void keep(struct device_map *map, const struct pa_range *range)
{
    if (range->size)
        map->failed |= !ranges_remove(&map->devices, range->base, range->size);
}

static void keep_bank(uint64_t base, uint64_t size, void *context)
{
    keep(context, &(struct pa_range){base, size});
}

/* What is Tarn's own, and RAM, is no device, whatever the device tree says. */
static void keep_ours(struct device_map *map, const void *fdt)
{
    keep(map, &gic_info.gicd);
    keep(map, &gic_info.gicc);
    keep(map, &gic_info.gich);
    keep(map, &gic_info.gicv);
    for (unsigned i = 0; i < gic_info.gicr_count; i++)
        keep(map, &gic_info.gicr[i]);
    dt_for_each_memory(fdt, keep_bank, map);
}

static const char *map_memory(struct domain *domain, const void *fdt)
{
    static struct device_map map;
    struct stage2 *s2 = &domain->stage2;
    bool ok = true;

    map.domain = domain;
    dom0_fdt_for_each_device(fdt, add_device, &map);
    keep_ours(&map, fdt);
    for (unsigned i = 0; ok && i < dom0_ram.count; i++)
        ok = stage2_map(s2, ipa(dom0_ram.range[i].base), pa(dom0_ram.range[i].base),
                        dom0_ram.range[i].size, STAGE2_RAM);
    for (unsigned i = 0; ok && i < map.devices.count; i++) {
        struct pa_range *r = &map.devices.range[i];
        uint64_t end = MIN(r->base + r->size, BIT(stage2_ipa_bits()));
        if (r->base >= end) {
            log_warn("device range %lx+%lx is beyond the IPA width and not given to dom0", r->base,
                     r->size);
            continue;
        }
        ok = stage2_map(s2, ipa(r->base), pa(r->base), end - r->base, STAGE2_DEVICE);
    }
    if (gic_info.version == 2)
        ok = ok && stage2_map(s2, ipa(gic_info.gicc.base), pa(gic_info.gicv.base),
                              MIN(gic_info.gicc.size, gic_info.gicv.size), STAGE2_DEVICE);
    return ok && !map.failed ? NULL : "Tarn's heap cannot hold dom0's stage-2 tables: raise heap=";
}

/* The emulated GIC stands where the machine's does. */
static const char *map_gic(struct domain *domain)
{
    bool ok = mmio_table_add(&domain->mmio, gic_info.gicd.base, gic_info.gicd.size,
                             vgic_gicd_access(&domain->vgic), &domain->vgic);
    unsigned vcpu = 0;

    for (unsigned i = 0; gic_info.version == 3 && i < gic_info.gicr_count; i++) {
        uint64_t stride = gic_info.gicr_stride ? gic_info.gicr_stride : DOMU_GICR_STRIDE;
        const struct pa_range *region = &gic_info.gicr[i];
        for (uint64_t at = 0; at + stride <= region->size && vcpu < domain->nr_vcpus; vcpu++) {
            struct vgic_cpu *cpu = &domain->vcpu[vcpu]->vgic;
            ok = ok && mmio_table_add(&domain->mmio, region->base + at, DOMU_GICR_STRIDE,
                                      vgic_gicr_access, cpu);
            at += stride;
            cpu->gicr_last = at + stride > region->size || vcpu == domain->nr_vcpus - 1;
        }
    }
    if (gic_info.version == 3 && vcpu < domain->nr_vcpus)
        return "the machine's GICv3 redistributor regions are too small for dom0_vcpus=";
    return ok ? NULL : "dom0 has more vCPUs than its MMIO table has room for";
}

static const char *build_fdt(struct domain *domain, const void *fdt, uint64_t upcall_pa)
{
    unsigned pools;
    const struct module *kernel = module_of_kind(MODULE_KERNEL);
    struct dom0_fdt_config config = {
        .ram = dom0_ram.range,
        .ram_count = dom0_ram.count,
        .pool = pool_ranges(&pools),
        .bootargs = kernel->bootargs,
        .initrd = place.initrd,
        .nr_vcpus = domain->nr_vcpus,
        .gic_version = gic_info.version,
        .upcall_page = upcall_pa,
        .upcall_intid = TARN_UPCALL_INTID,
    };
    config.pool_count = pools;
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        config.mpidr[i] = vcpu_mpidr(i);

    void *out = el2_map_boot(SLOT_TO, pa(place.fdt.base), place.fdt.size, true);
    const char *error = dom0_fdt_build(&config, fdt, out, place.fdt.size);
    cache_clean(out, place.fdt.size);
    el2_unmap_boot(SLOT_TO);
    return error;
}

static const char *share_upcall_page(struct domain *domain, uint64_t *where)
{
    struct tarn_upcall_page *page = heap_alloc(1, DOM0_ID);

    if (!page)
        return "Tarn's heap is exhausted: raise heap=";
    upcall_init(page);
    *where = heap_pa(page).v;
    if (!stage2_map(&domain->stage2, ipa(*where), pa(*where), PAGE_SIZE, STAGE2_RAM_NX))
        return "Tarn's heap is exhausted: raise heap=";
    return NULL;
}

static const char *create(struct domain **domain)
{
    struct domain_config config = {
        .name = "dom0",
        .nr_vcpus = bootargs.dom0_vcpus ? bootargs.dom0_vcpus : cpu_count,
        .nr_irqs = gic_info.nr_irqs,
        .hardware_spis = true,
    };
    int64_t status = domain_create(&config, domain);

    if (status == TARN_EINVAL)
        return boot_sentence("dom0_vcpus=%u is out of range: 1 to %u on this GIC", config.nr_vcpus,
                             gic_info.version == 2 ? 8 : DOMAIN_MAX_VCPUS);
    return status == TARN_OK ? NULL : "Tarn's heap cannot hold dom0: raise heap=";
}

const char *dom0_build(const void *fdt)
{
    struct domain *domain;
    uint64_t upcall_pa;
    const char *error = place_modules(fdt);

    if (!error)
        error = create(&domain);
    if (!error)
        error = map_memory(domain, fdt);
    if (!error)
        error = map_gic(domain);
    if (!error)
        error = share_upcall_page(domain, &upcall_pa);
    if (!error)
        error = build_fdt(domain, fdt, upcall_pa);
    if (error)
        return error;
    domain->own_memory = ranges_total(&dom0_ram);
    domain->entry[0] = place.kernel.base;
    domain->entry[1] = place.fdt.base;
    (void)domain_start(domain);
    log_info("dom0: kernel at %lx, device tree at %lx, %u vCPU(s)", place.kernel.base,
             place.fdt.base, domain->nr_vcpus);
    return NULL;
}
