/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Division of the machine's RAM. Everything is taken from the device tree's memory nodes less its
 * reservations; what is not given to EL2 or dom0 becomes the domain pool.
 * May call boot/bootargs, boot/modules, mm, platform.
 */
#include "boot/boot.h"

#include <libfdt.h>

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

struct ranges dom0_ram, pool_ram;
struct pa_range boot_tree;

static void add_bank(uint64_t base, uint64_t size, void *context)
{
    (void)ranges_add(context, base, size);
}

static void remove_reserved(uint64_t base, uint64_t size, void *context)
{
    uint64_t first = align_down(base, PAGE_SIZE);

    (void)ranges_remove(context, first, align_up(base + size, PAGE_SIZE) - first);
}

/* All there is, in whole blocks, goes to the pool at first. */
static void read_ram(const void *fdt)
{
    static struct ranges ram;

    dt_for_each_memory(fdt, add_bank, &ram);
    if (ram.count == 0)
        boot_stop("the device tree describes no memory: it needs a node with device_type = "
                  "\"memory\"");
    dt_for_each_reserved(fdt, remove_reserved, &ram);
    uint64_t image = el2_image_pa(__image_start).v;
    (void)ranges_remove(&ram, image, (uintptr_t)__image_end - (uintptr_t)__image_start);
    for (unsigned i = 0; i < ram.count; i++) {
        uint64_t start = align_up(ram.range[i].base, BLOCK_2M);
        uint64_t end = align_down(ram.range[i].base + ram.range[i].size, BLOCK_2M);
        if (end > start)
            (void)ranges_add(&pool_ram, start, end - start);
    }
}

/* Below or above the modules and the device tree, which are still needed. */
static void place_heap(const void *fdt)
{
    struct ranges clear = pool_ram;
    uint64_t size = bootargs.heap;
    uint64_t base;

    if (size == 0)
        size = HEAP_BASE_SIZE + ranges_total(&pool_ram) / HEAP_RAM_SHARE;
    size = align_up(size, BLOCK_2M);
    remove_reserved(boot_tree.base, boot_tree.size, &clear);
    modules_find(fdt, &clear);
    if (!ranges_find(&clear, size, BLOCK_2M, &base))
        boot_stop("no room for Tarn's own heap of %lu MiB: give the machine more memory",
                  size / MIB);
    (void)ranges_remove(&pool_ram, base, size);
    el2_map_heap(pa(base), size);
    log_info("heap: %lu MiB at %lx", size / MIB, base);
}

static void give_dom0(uint64_t base, uint64_t size)
{
    (void)ranges_add(&dom0_ram, base, size);
    (void)ranges_remove(&pool_ram, base, size);
}

/* One range if there is one that is large enough, else as many as it takes, lowest first. */
static void take_dom0(uint64_t size)
{
    uint64_t base;

    if (ranges_find(&pool_ram, size, BLOCK_2M, &base)) {
        give_dom0(base, size);
        return;
    }
    while (size > 0) {
        uint64_t part = MIN(size, pool_ram.range[0].size);
        give_dom0(pool_ram.range[0].base, part);
        size -= part;
    }
}

static void place_dom0(void)
{
    uint64_t have = ranges_total(&pool_ram);
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

void boot_memory(const void *fdt, pa_t fdt_pa)
{
    boot_tree = (struct pa_range){fdt_pa.v, fdt_totalsize(fdt)};
    read_ram(fdt);
    place_heap(fdt);
    place_dom0();
    modules_take(&pool_ram, 1, BLOCK_2M); /* they are copied when there is a pool */
    uint64_t tree = align_down(boot_tree.base, BLOCK_2M);
    (void)ranges_remove(&pool_ram, tree,
                        align_up(boot_tree.base + boot_tree.size, BLOCK_2M) - tree);
    if (!pool_init(pool_ram.range, pool_ram.count))
        boot_stop("Tarn's heap cannot hold the table of the domain pool: raise heap=");
    log_info("domain pool: %lu MiB", pool_blocks.total * BLOCK_2M / MIB);
}
