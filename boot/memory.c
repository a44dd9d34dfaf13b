/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Division of the machine's RAM. Everything is taken from the device tree's memory nodes less its
 * reservations; what is not given to EL2 or dom0 becomes the domain pool.
 * May call boot/bootargs, boot/modules, mm, platform.
 */
#include "boot/memory.h"

#include "boot/bootargs.h"
#include "boot/modules.h"
#include "boot/stop.h"
#include "mm/el2_map.h"
#include "mm/pool.h"
#include "platform/fdt.h"
#include "platform/log.h"

#define HEAP_BASE_SIZE   (8 * MIB)
#define HEAP_RAM_SHARE   128 /* and one part in so many of RAM: stage-2 tables grow with it */
#define DOM0_DEFAULT_MAX (2 * GIB)
#define DOM0_LEAST       (64 * MIB)

extern char __image_start[], __image_end[];

struct ranges dom0_ram;

static struct ranges free_ram; /* not given away yet */

static void add_bank(uint64_t base, uint64_t size, void *context)
{
    (void)ranges_add(context, base, size);
}

static void remove_reserved(uint64_t base, uint64_t size, void *context)
{
    uint64_t first = align_down(base, PAGE_SIZE);

    (void)ranges_remove(context, first, align_up(base + size, PAGE_SIZE) - first);
}

static void read_ram(const void *fdt)
{
    dt_for_each_memory(fdt, add_bank, &free_ram);
    if (free_ram.count == 0)
        boot_stop("the device tree describes no memory: it needs a node with device_type = "
                  "\"memory\"");
    dt_for_each_reserved(fdt, remove_reserved, &free_ram);
    uint64_t image = el2_image_pa(__image_start).v;
    (void)ranges_remove(&free_ram, image,
                        align_up((uintptr_t)__image_end - (uintptr_t)__image_start, BLOCK_2M));
}

/* Below or above the modules and the device tree, which are still needed. */
static void place_heap(pa_t fdt_pa, uint64_t fdt_size)
{
    struct ranges clear = free_ram;
    uint64_t size = bootargs.heap;
    uint64_t base;

    if (size == 0)
        size = HEAP_BASE_SIZE + ranges_total(&free_ram) / HEAP_RAM_SHARE;
    size = align_up(size, BLOCK_2M);
    for (unsigned i = 0; i < modules.count; i++)
        remove_reserved(modules.module[i].base, modules.module[i].size, &clear);
    remove_reserved(fdt_pa.v, fdt_size, &clear);
    if (!ranges_find(&clear, size, BLOCK_2M, &base))
        boot_stop("no room for Tarn's own heap of %lu MiB: give the machine more memory",
                  size / MIB);
    (void)ranges_remove(&free_ram, base, size);
    el2_map_heap(pa(base), size);
    log_info("heap: %lu MiB at %lx", size / MIB, base);
}

/* One range if there is one that is large enough, else as many as it takes, lowest first. */
static void take_dom0(uint64_t size)
{
    uint64_t base;

    if (ranges_find(&free_ram, size, BLOCK_2M, &base)) {
        (void)ranges_add(&dom0_ram, base, size);
        (void)ranges_remove(&free_ram, base, size);
        return;
    }
    while (size > 0 && free_ram.count > 0) {
        struct pa_range first = free_ram.range[0];
        uint64_t start = align_up(first.base, BLOCK_2M);
        uint64_t end = align_down(first.base + first.size, BLOCK_2M);
        (void)ranges_remove(&free_ram, first.base, first.size);
        if (end <= start)
            continue;
        uint64_t part = MIN(size, end - start);
        (void)ranges_add(&dom0_ram, start, part);
        (void)ranges_add(&free_ram, start + part, end - start - part);
        size -= part;
    }
}

static void place_dom0(void)
{
    uint64_t have = ranges_total(&free_ram);
    uint64_t size = bootargs.dom0_mem ? bootargs.dom0_mem : MIN(have / 2, DOM0_DEFAULT_MAX);

    size = align_up(size, BLOCK_2M);
    if (size < DOM0_LEAST || size > have)
        boot_stop("dom0_mem=%luM does not fit: dom0 needs at least %lu MiB and %lu MiB are free; "
                  "change dom0_mem= or give the machine more memory",
                  size / MIB, DOM0_LEAST / MIB, have / MIB);
    take_dom0(size);
    log_info("dom0: %lu MiB in %u range(s) from %lx", ranges_total(&dom0_ram) / MIB, dom0_ram.count,
             dom0_ram.range[0].base);
}

/* What is left, in whole blocks. */
static void make_pool(void)
{
    struct pa_range range[RANGES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < free_ram.count; i++) {
        uint64_t start = align_up(free_ram.range[i].base, BLOCK_2M);
        uint64_t end = align_down(free_ram.range[i].base + free_ram.range[i].size, BLOCK_2M);
        if (end > start)
            range[count++] = (struct pa_range){start, end - start};
    }
    if (!pool_init(range, count))
        boot_stop("Tarn's heap cannot hold the table of the domain pool: raise heap=");
    log_info("domain pool: %lu MiB", pool_bytes_total() / MIB);
}

void boot_memory(const void *fdt, pa_t fdt_pa)
{
    read_ram(fdt);
    modules_find(fdt);
    place_heap(fdt_pa, dt_size(fdt));
    place_dom0();
    make_pool();
}
