/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own map. boot/head.S has filled the boot_* tables below; the walker goes on in them.
 * May call mm/pt, mm/heap, mm/tlb.
 */
#include "mm/el2_map.h"

#include "mm/heap.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "platform/cache.h"
#include "platform/cpu.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

/* Stage 1 at EL2 (Arm ARM D8.3.1): AttrIndx selects a row of MAIR_EL2 (head.S), AP[1] is RES1. */
#define EL2_ATTR_DEVICE (1ul << 2)
#define EL2_AP1         BIT(6)
#define EL2_READ_ONLY   BIT(7)
#define EL2_XN          BIT(54)
#define EL2_NORMAL      (PT_AF | PT_SH_INNER | EL2_AP1 | EL2_XN)
#define EL2_DEVICE      (EL2_ATTR_DEVICE | PT_AF | EL2_AP1 | EL2_XN)

#define TABLE __attribute__((section(".bss.pagetables"), aligned(4096)))
#define RESERVE_TABLES 16 /* until there is a heap */

TABLE uint64_t boot_l0[PT_ENTRIES];
TABLE uint64_t boot_image_l1[PT_ENTRIES], boot_image_l2[PT_ENTRIES], boot_image_l3[PT_ENTRIES];
TABLE uint64_t boot_identity_l1[PT_ENTRIES], boot_identity_l2[PT_ENTRIES],
    boot_identity_l3[PT_ENTRIES];
static TABLE uint64_t reserve[RESERVE_TABLES][PT_ENTRIES];

uint64_t image_pa_offset; /* PA minus VA of the image; written by head.S */
struct el2_mmu_config el2_mmu_config;

static unsigned reserve_used;
static bool heap_ready;
static uint64_t device_next = EL2_DEVICE_VA;
static uint64_t *window_l2; /* level-2 table of EL2_WINDOW_VA: one block a CPU */
static struct pa_range boot_slot[4];

extern char __image_start[], __image_end[];

static bool in_image(uint64_t va)
{
    return va >= (uintptr_t)__image_start && va < (uintptr_t)__image_end;
}

pa_t el2_image_pa(const void *va)
{
    assert(in_image((uintptr_t)va));
    return pa((uintptr_t)va + image_pa_offset);
}

static void *alloc(void *context)
{
    (void)context;
    if (heap_ready)
        return heap_alloc(1, HEAP_OWNER_TARN);
    return reserve_used < RESERVE_TABLES ? reserve[reserve_used++] : NULL;
}

static void free_table(void *context, void *table)
{
    (void)context;
    if (!in_image((uintptr_t)table))
        heap_free(table, 1, HEAP_OWNER_TARN);
}

static uint64_t table_pa(const void *table)
{
    return in_image((uintptr_t)table) ? el2_image_pa(table).v : heap_pa(table).v;
}

static void *table_va(uint64_t address)
{
    uint64_t va = address - image_pa_offset;

    return in_image(va) ? (void *)(uintptr_t)va : heap_va(pa(address));
}

static void publish(void)
{
    dsb(ishst);
    isb();
}

static void invalidate(void *context, uint64_t address)
{
    (void)context;
    tlb_flush_el2(address);
}

static void sync(void *context)
{
    (void)context; /* invalidate is complete by itself */
}

static const struct pt_ops ops = {
    .alloc = alloc,
    .free = free_table,
    .pa = table_pa,
    .va = table_va,
    .publish = publish,
    .invalidate = invalidate,
    .sync = sync,
};

static struct pt tables = {
    .root = boot_l0,
    .start_level = 0,
    .root_entries = PT_ENTRIES,
    .ops = &ops,
};

void el2_map_init(void)
{
    el2_mmu_config = (struct el2_mmu_config){
        .ttbr0 = sysreg_read(ttbr0_el2),
        .tcr = sysreg_read(tcr_el2),
        .mair = sysreg_read(mair_el2),
        .sctlr = sysreg_read(sctlr_el2),
    };
}

void el2_publish_mmu_config(void)
{
    cache_clean(&el2_mmu_config, sizeof(el2_mmu_config));
}

void el2_map_use_heap(void)
{
    heap_ready = true;
    /* The windows' table is made once, so that opening one is a single store. */
    window_l2 = heap_alloc(1, HEAP_OWNER_TARN);
    assert(window_l2);
    uint64_t *entry = &boot_image_l1[FIELD(EL2_WINDOW_VA, 38, 30)];
    assert(*entry == 0);
    *entry = heap_pa(window_l2).v | PT_VALID | PT_TABLE;
    publish();
}

volatile void *el2_map_device(pa_t base, uint64_t size)
{
    uint64_t first = align_down(base.v, PAGE_SIZE);
    uint64_t length = align_up(base.v + size, PAGE_SIZE) - first;
    uint64_t va = device_next;

    /* The next 2 MiB: devices share no table entry by chance, and the address shows which is which. */
    device_next += align_up(length, BLOCK_2M);
    if (device_next > EL2_WINDOW_VA || !pt_map(&tables, va, first, length, EL2_DEVICE))
        panic("no room to map device registers at %lx", base.v);
    return (volatile void *)(uintptr_t)(va + (base.v - first));
}

void *el2_map_boot(unsigned slot, pa_t base, uint64_t size, bool writable)
{
    uint64_t first = align_down(base.v, PAGE_SIZE);
    uint64_t va = EL2_FDT_VA + slot * GIB + first % BLOCK_2M;
    uint64_t length = align_up(base.v + size, PAGE_SIZE) - first;

    assert(slot < ARRAY_SIZE(boot_slot) && boot_slot[slot].size == 0);
    if (!pt_map(&tables, va, first, length, EL2_NORMAL | (writable ? 0 : EL2_READ_ONLY)))
        panic("no room to map %lx+%lx at boot", base.v, size);
    boot_slot[slot] = (struct pa_range){va, length};
    return (void *)(uintptr_t)(va + (base.v - first));
}

void el2_unmap_boot(unsigned slot)
{
    bool unmapped = pt_unmap(&tables, boot_slot[slot].base, boot_slot[slot].size);

    assert(unmapped);
    boot_slot[slot].size = 0;
}

void *el2_map_heap(pa_t base, uint64_t size)
{
    if (!pt_map(&tables, EL2_HEAP_VA, base.v, size, EL2_NORMAL))
        panic("no room to map the heap");
    return (void *)(uintptr_t)EL2_HEAP_VA;
}

void *el2_map_stack(unsigned cpu)
{
    uint64_t top = EL2_STACK_VA + (cpu + 1ul) * STACK_STRIDE;
    void *pages = heap_alloc(STACK_SIZE / PAGE_SIZE, HEAP_OWNER_TARN);

    if (!pages || !pt_map(&tables, top - STACK_SIZE, heap_pa(pages).v, STACK_SIZE, EL2_NORMAL))
        return NULL;
    return (void *)(uintptr_t)top;
}

void el2_unmap_identity(void)
{
    boot_l0[FIELD(el2_image_pa(__image_start).v, 47, 39)] = 0;
    tlb_flush_el2_all();
}

static uint64_t window_va(void)
{
    return EL2_WINDOW_VA + cpu_id() * BLOCK_2M;
}

void *window_open(pa_t block)
{
    uint64_t *entry = &window_l2[cpu_id()];

    assert(*entry == 0 && block.v % BLOCK_2M == 0);
    *entry = block.v | EL2_NORMAL | PT_VALID;
    publish();
    return (void *)(uintptr_t)window_va();
}

void window_close(void)
{
    window_l2[cpu_id()] = 0;
    tlb_flush_el2(window_va());
}
