/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dom0 builder. dom0's memory is mapped 1:1, so modules that a bootloader put inside it stay
 * where they are; what lies elsewhere, or in the way of the kernel, is copied. May call boot, core,
 * mm, gic, platform.
 */
#include "boot/boot.h"

#include <libfdt.h>

#include "boot/bootargs.h"
#include "boot/dom0_fdt.h"
#include "boot/modules.h"
#include "boot/stop.h"
#include "core/domain.h"
#include "gic/gic.h"
#include "guests/abi/domu.h"
#include "mm/el2_map.h"
#include "mm/heap.h"
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

void boot_copy(uint64_t to, uint64_t from, uint64_t size)
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

/* The arm64 Image header (Linux Documentation/arch/arm64/booting.rst). */
struct image_header {
    uint32_t code[2];
    uint64_t text_offset, image_size, flags;
    uint64_t reserved[3];
    uint32_t magic, reserved5;
};

#define IMAGE_MAGIC      0x644d5241 /* "ARM\x64" */
#define IMAGE_BIG_ENDIAN 1
#define IMAGE_SIZE_MAX   (1 * GIB)

const char *image_check(uint64_t base, uint64_t size, struct image_info *info)
{
    struct image_header header;

    if (size < sizeof(header))
        return "it is too short to be an arm64 Image";
    memcpy(&header, el2_map_boot(SLOT_FROM, pa(base), sizeof(header), false), sizeof(header));
    el2_unmap_boot(SLOT_FROM);
    if ((header.code[0] & 0xffff) == 0x8b1f)
        return "it is gzip-compressed; unpack it first (gunzip)";
    if (header.magic != IMAGE_MAGIC)
        return "it is not an arm64 Image (no \"ARM\\x64\" magic); give the uncompressed kernel";
    if (header.flags & IMAGE_BIG_ENDIAN)
        return "it is a big-endian kernel; give a little-endian one";
    if (header.image_size > IMAGE_SIZE_MAX || header.text_offset >= BLOCK_2M)
        return "its Image header holds impossible sizes";
    info->text_offset = header.text_offset;
    info->size = MAX(header.image_size, size);
    return NULL;
}

/* The kernel may stay if its 2 MiB alignment and the room behind it (BSS) are right. */
static void place_kernel(const struct module *module)
{
    struct image_info image;
    const char *error = image_check(module->base, module->size, &image);
    uint64_t base;

    if (error)
        boot_stop("dom0's kernel: %s", error);
    uint64_t bss = image.size - module->size;
    place.kernel.size = image.size;
    bool in_place = (module->base - image.text_offset) % BLOCK_2M == 0 &&
                    ranges_contain(&dom0_ram, module->base, place.kernel.size) &&
                    (bss == 0 || ranges_contain(&spare, module->base + module->size, bss));
    if (in_place) {
        place.kernel.base = module->base;
        (void)ranges_remove(&spare, module->base, place.kernel.size);
        clean(module->base, module->size);
        return;
    }
    if (!take(place.kernel.size + image.text_offset, BLOCK_2M, &base))
        boot_stop("dom0's kernel needs %lu MiB in one piece, which dom0_mem= does not leave; raise "
                  "it",
                  place.kernel.size / MIB);
    place.kernel.base = base + image.text_offset;
    boot_copy(place.kernel.base, module->base, module->size);
}

static void place_initrd(const struct module *module)
{
    place.initrd = (struct pa_range){module->base, module->size};
    if (ranges_contain(&dom0_ram, module->base, module->size)) {
        clean(module->base, module->size);
        return;
    }
    if (!take(module->size, PAGE_SIZE, &place.initrd.base))
        boot_stop("dom0's initrd of %lu MiB does not fit in dom0_mem=; raise it",
                  module->size / MIB);
    boot_copy(place.initrd.base, module->base, module->size);
}

static void place_modules(const void *fdt)
{
    const struct module *kernel = &boot_domains->module[MODULE_KERNEL];
    const struct module *initrd = &boot_domains->module[MODULE_RAMDISK];

    if (kernel->size == 0)
        boot_stop("no kernel for dom0: /chosen needs a node compatible with \"multiboot,module\" "
                  "and \"multiboot,kernel\" (QEMU: -device guest-loader,kernel=...)");
    spare = dom0_ram;
    modules_take(&spare, 0, 1);
    (void)ranges_remove(&spare, boot_tree.base, boot_tree.size);
    place_kernel(kernel);
    if (initrd->size)
        place_initrd(initrd);
    place.fdt.size = align_up(fdt_totalsize(fdt) + FDT_ROOM, PAGE_SIZE);
    if (!take(place.fdt.size, BLOCK_2M, &place.fdt.base))
        boot_stop("no room for dom0's device tree in dom0_mem=; raise it");
}

/* Stage 2 of dom0: its RAM and every device of the tree. */

static void map(struct domain *domain, uint64_t from, uint64_t to, uint64_t size,
                enum stage2_attr attr)
{
    if (!stage2_map(&domain->stage2, ipa(from), pa(to), size, attr))
        boot_stop("Tarn's heap cannot hold dom0's stage-2 tables: raise heap=");
}

static void add_device(uint64_t base, uint64_t size, void *devices)
{
    uint64_t first = align_down(base, PAGE_SIZE);

    if (!ranges_add(devices, first, align_up(base + size, PAGE_SIZE) - first))
        boot_stop("the device tree has more devices than Tarn can give to dom0");
}

static void keep(uint64_t base, uint64_t size, void *devices)
{
    if (!ranges_remove(devices, base, size))
        boot_stop("the device tree has more devices than Tarn can give to dom0");
}

/* What is Tarn's own, and RAM, is no device, whatever the device tree says. */
static void keep_ours(struct ranges *devices, const void *fdt)
{
    const struct pa_range ours[] = {gic_info.gicd, gic_info.gicc, gic_info.gich, gic_info.gicv};

    for (unsigned i = 0; i < ARRAY_SIZE(ours); i++)
        keep(ours[i].base, ours[i].size, devices);
    for (unsigned i = 0; i < gic_info.gicr_count; i++)
        keep(gic_info.gicr[i].base, gic_info.gicr[i].size, devices);
    dt_for_each_memory(fdt, keep, devices);
}

static void map_memory(struct domain *domain, const void *fdt)
{
    static struct ranges devices;

    dom0_fdt_for_each_device(fdt, add_device, &devices);
    keep_ours(&devices, fdt);
    for (unsigned i = 0; i < dom0_ram.count; i++)
        map(domain, dom0_ram.range[i].base, dom0_ram.range[i].base, dom0_ram.range[i].size,
            STAGE2_RAM);
    for (unsigned i = 0; i < devices.count; i++) {
        struct pa_range *r = &devices.range[i];
        uint64_t end = MIN(r->base + r->size, BIT(stage2_ipa_bits));
        if (r->base >= end)
            log_warn("device range %lx+%lx is beyond the IPA width and not given to dom0", r->base,
                     r->size);
        else
            map(domain, r->base, r->base, end - r->base, STAGE2_DEVICE);
    }
    if (gic_info.version == 2)
        map(domain, gic_info.gicc.base, gic_info.gicv.base,
            MIN(gic_info.gicc.size, gic_info.gicv.size), STAGE2_DEVICE);
}

/* The emulated GIC stands where the machine's does. */
static void map_gic(struct domain *domain)
{
    bool ok = mmio_table_add(&domain->mmio, gic_info.gicd.base, gic_info.gicd.size,
                             vgic_gicd_access(&domain->vgic), &domain->vgic);
    unsigned vcpu = 0;

    for (unsigned i = 0; i < gic_info.gicr_count; i++) {
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
        boot_stop("the machine's GICv3 redistributor regions are too small for dom0_vcpus=");
    if (!ok)
        boot_stop("dom0 has more vCPUs than its MMIO table has room for");
}

static void build_fdt(struct domain *domain, const void *fdt, uint64_t upcall_pa)
{
    const char *given = boot_domains->module[MODULE_KERNEL].bootargs;
    struct dom0_fdt_config config = {
        .ram = &dom0_ram,
        .pool = &pool_ram,
        .bootargs = given ? given : "",
        .initrd = place.initrd,
        .nr_vcpus = domain->nr_vcpus,
        .upcall_page = upcall_pa,
    };
    void *out = el2_map_boot(SLOT_TO, pa(place.fdt.base), place.fdt.size, true);

    dom0_fdt_build(&config, fdt, out, place.fdt.size);
    cache_clean(out, place.fdt.size);
    el2_unmap_boot(SLOT_TO);
}

/* Returns its physical address, which is also where dom0 finds it. */
static uint64_t share_upcall_page(struct domain *domain)
{
    struct tarn_upcall_page *page = heap_alloc(1, DOM0_ID);

    if (!page)
        boot_stop("Tarn's heap is exhausted: raise heap=");
    upcall_init(domain, page);
    map(domain, heap_pa(page).v, heap_pa(page).v, PAGE_SIZE, STAGE2_RAM_NX);
    return heap_pa(page).v;
}

static struct domain *create(void)
{
    struct domain *domain;
    struct domain_config config = {
        .name = "dom0",
        .nr_vcpus = bootargs.dom0_vcpus ? (unsigned)bootargs.dom0_vcpus : cpu_count,
        .nr_irqs = gic_info.nr_irqs,
        .hardware_spis = true,
    };
    int64_t status = domain_create(&config, &domain);

    if (status == TARN_EINVAL)
        boot_stop("dom0_vcpus=%u is out of range: 1 to %u on this GIC", config.nr_vcpus,
                  gic_info.version == 2 ? 8 : DOMAIN_MAX_VCPUS);
    if (status != TARN_OK)
        boot_stop("Tarn's heap cannot hold dom0: raise heap=");
    return domain;
}

void dom0_build(const void *fdt)
{
    place_modules(fdt);
    struct domain *domain = create();
    map_memory(domain, fdt);
    map_gic(domain);
    build_fdt(domain, fdt, share_upcall_page(domain));
    domain->own_memory = ranges_total(&dom0_ram);
    domain->entry[0] = place.kernel.base;
    domain->entry[1] = place.fdt.base;
    (void)domain_start(domain);
    log_info("dom0: kernel at %lx, device tree at %lx, %u vCPU(s)", place.kernel.base,
             place.fdt.base, domain->nr_vcpus);
}
