/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own map; see el2_map.h. No lock: all but the windows happens at boot, on the boot CPU, and
 * a window's entry belongs to one CPU. May call platform, mm/pt, mm/tlb, mm/heap.
 */
#include "mm/el2_map.h"

#include "mm/heap.h"
#include "mm/pt.h"
#include "mm/pt_store.h"
#include "mm/tlb.h"
#include "platform/cache.h"
#include "platform/cpu.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

#define ENTRIES     512
#define SLOT_SIZE   GIB
#define IMAGE_MOST  BLOCK_2M /* one level-3 table */
#define EARLY_PAGES 12       /* device tree 3, UART and GIC 2, heap 1 a GiB, and some to spare */

/* Stage-1 descriptor, EL2 regime (Arm ARM D8.3.2): AP[1] is RES1, XN is bit 54. */
#define ATTR_COMMON (BIT(10) | 3ul << 8 | BIT(6)) /* AF, inner shareable, AP[1] */
#define ATTR_DEVICE (1ul << 2)                    /* MAIR index 1; index 0 is Normal WB */
#define ATTR_RO     BIT(7)
#define ATTR_XN     BIT(54)
#define ATTR_DATA   (ATTR_COMMON | ATTR_XN)

typedef uint64_t table_t[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

#define PAGE_TABLE __attribute__((section(".bss.pagetables")))
PAGE_TABLE table_t boot_l0, boot_image_l1, boot_image_l2, boot_image_l3;
PAGE_TABLE table_t boot_identity_l1, boot_identity_l2, boot_identity_l3;
PAGE_TABLE static table_t window_l2, early_pages[EARLY_PAGES];

uint64_t image_pa_offset;
struct el2_mmu_config el2_mmu_config;

static void *early_free; /* tables not in use, linked by their first words */
static bool heap_ready;
static uint64_t device_next = EL2_DEVICE_VA;
static uint64_t slot_size[EL2_BOOT_SLOTS]; /* mapped bytes from the slot's start; 0: none */

static bool in_image(uint64_t va)
{
    return va >= EL2_IMAGE_VA && va - EL2_IMAGE_VA < IMAGE_MOST;
}

pa_t el2_image_pa(const void *va)
{
    assert(in_image((uint64_t)va));
    return pa((uint64_t)va + image_pa_offset);
}

static void early_put(void *table)
{
    *(void **)table = early_free;
    early_free = table;
}

static void *table_alloc(UNUSED void *context)
{
    void *table = early_free;

    if (heap_ready)
        return heap_alloc(1, HEAP_OWNER_TARN);
    if (table) {
        early_free = *(void **)table;
        *(void **)table = NULL;
    }
    return table;
}

static void table_free(UNUSED void *context, void *table)
{
    if (in_image((uint64_t)table))
        early_put(table);
    else
        heap_free(table, 1, HEAP_OWNER_TARN);
}

static pa_t table_pa(const void *table)
{
    return in_image((uint64_t)table) ? el2_image_pa(table) : heap_pa(table);
}

static void *table_va(pa_t table)
{
    uint64_t image = table.v - image_pa_offset;

    return in_image(image) ? (void *)image : heap_va(table);
}

static void invalidate(UNUSED void *context, uint64_t input, uint64_t size, uint64_t granule)
{
    tlb_el2(input, size, granule);
}

static const struct pt_ops el2_ops = {
    .alloc = table_alloc,
    .free = table_free,
    .table_pa = table_pa,
    .table_va = table_va,
    .publish = tlb_publish,
    .invalidate = invalidate,
};

static struct pt el2_pt = {.ops = &el2_ops, .root = boot_l0, .start_level = 0, .input_bits = 48};

void el2_map_init(void)
{
    assert(el2_image_pa(boot_l0).v >> 39 != EL2_IMAGE_VA >> 39);
    el2_pt.output_bits = pt_widths[pt_parange()];
    for (unsigned i = 0; i < EARLY_PAGES; i++)
        early_put(early_pages[i]);
    /* The table of the windows is never freed: walks of ours do not come near it. */
    pt_store(&boot_image_l1[FIELD(EL2_WINDOW_VA, 38, 30)], el2_image_pa(window_l2).v | 3);
    tlb_publish();

    el2_mmu_config.ttbr0 = sysreg_read(ttbr0_el2);
    el2_mmu_config.tcr = sysreg_read(tcr_el2);
    el2_mmu_config.mair = sysreg_read(mair_el2);
    el2_mmu_config.sctlr = sysreg_read(sctlr_el2);
    cache_clean(&el2_mmu_config, sizeof(el2_mmu_config)); /* read with the MMU off */
}

volatile void *el2_map_device(pa_t base, uint64_t size)
{
    uint64_t first = align_down(base.v, PAGE_SIZE);
    uint64_t bytes = align_up(base.v + size, PAGE_SIZE) - first;
    uint64_t va = device_next;

    if (bytes >= BLOCK_2M) /* congruent, so that blocks can be used */
        va = align_up(va, BLOCK_2M) + first % BLOCK_2M;
    if (bytes > EL2_DEVICE_VA + SLOT_SIZE - va)
        panic("no room to map the device at %lx, %lu bytes", base.v, size);
    if (!pt_map(&el2_pt, va, pa(first), bytes, ATTR_DATA | ATTR_DEVICE))
        panic("cannot map the device at %lx, %lu bytes: no memory, or no such address", base.v,
              size);
    device_next = va + bytes;
    return (volatile void *)(va + (base.v - first));
}

static uint64_t slot_va(unsigned slot)
{
    assert(slot < EL2_BOOT_SLOTS);
    return EL2_FDT_VA + slot * SLOT_SIZE;
}

void *el2_map_boot(unsigned slot, pa_t base, uint64_t size, bool writable)
{
    uint64_t va = slot_va(slot) + base.v % BLOCK_2M; /* congruent, so that blocks can be used */
    uint64_t page = base.v % PAGE_SIZE;
    uint64_t limit = BIT(el2_pt.output_bits);
    uint64_t attr = writable ? ATTR_DATA : ATTR_DATA | ATTR_RO;

    assert(slot_size[slot] == 0);
    if (size == 0 || size > limit || base.v > limit - size)
        return NULL;
    uint64_t bytes = align_up(page + size, PAGE_SIZE);
    if (bytes > SLOT_SIZE - BLOCK_2M || !pt_map(&el2_pt, va - page, pa(base.v - page), bytes, attr))
        panic("no room to map %lu bytes at %lx at boot", size, base.v);
    slot_size[slot] = base.v % BLOCK_2M - page + bytes;
    return (void *)va;
}

void el2_unmap_boot(unsigned slot)
{
    uint64_t va = slot_va(slot);

    if (slot_size[slot] != 0 && !pt_unmap(&el2_pt, va, slot_size[slot]))
        panic("cannot unmap boot slot %u", slot);
    slot_size[slot] = 0;
}

void el2_map_heap(pa_t base, uint64_t size)
{
    assert((base.v | size) % BLOCK_2M == 0 && size <= EL2_FDT_VA - EL2_HEAP_VA);
    if (!pt_map(&el2_pt, EL2_HEAP_VA, base, size, ATTR_DATA))
        panic("cannot map the heap at %lx, %lu bytes", base.v, size);
    heap_init(base, size, (void *)EL2_HEAP_VA);
    heap_ready = true;
}

void *el2_map_stack(unsigned cpu)
{
    uint64_t top = EL2_STACK_VA + (uint64_t)(cpu + 1) * STACK_STRIDE;
    void *pages = heap_alloc(STACK_SIZE / PAGE_SIZE, HEAP_OWNER_TARN);

    assert(cpu < MAX_CPUS);
    if (!pages)
        return NULL;
    if (!pt_map(&el2_pt, top - STACK_SIZE, heap_pa(pages), STACK_SIZE, ATTR_DATA)) {
        heap_free(pages, STACK_SIZE / PAGE_SIZE, HEAP_OWNER_TARN);
        return NULL;
    }
    return (void *)top;
}

void el2_unmap_identity(void)
{
    if (!pt_unmap(&el2_pt, EL2_IMAGE_VA + image_pa_offset, PAGE_SIZE))
        panic("cannot unmap the identity page");
}

static uint64_t window_va(unsigned cpu)
{
    assert(cpu < MAX_CPUS);
    return EL2_WINDOW_VA + cpu * BLOCK_2M;
}

void *window_open(pa_t block)
{
    uint64_t *entry = &window_l2[cpu_id()];
    uint64_t va = window_va(cpu_id());

    assert(block.v % BLOCK_2M == 0 && *entry == 0);
    pt_store(entry, block.v | ATTR_DATA | 1);
    tlb_publish();
    return (void *)va;
}

void window_close(void)
{
    uint64_t *entry = &window_l2[cpu_id()];

    assert(*entry != 0);
    pt_store(entry, 0);
    tlb_el2(window_va(cpu_id()), BLOCK_2M, BLOCK_2M);
}
