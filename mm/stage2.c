/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2; see stage2.h. May call mm/pt, mm/heap, mm/tlb. */
#include "mm/stage2.h"

#include "mm/heap.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "platform/panic.h"
#include "platform/sysreg.h"

#define START_LEVEL 1
#define LEVEL1_BITS 39  /* width that one level-1 table covers */
#define VMID_MOST   255 /* VTCR_EL2.VS = 0: 8 bits; VMID = owner + 1, 0 is nobody's */

/* Descriptor bits (Arm ARM D8.3.2, stage 2) */
#define S2_NORMAL_WB  (0xful << 2)
#define S2_DEVICE     (0x1ul << 2) /* nGnRE */
#define S2_READ_WRITE (3ul << 6)
#define S2_SH_INNER   (3ul << 8)
#define S2_AF         BIT(10)
#define S2_XN         BIT(54) /* EL1 and EL0 */

/* VTCR_EL2 (Arm ARM D19.2.163) */
#define VTCR_RES1  BIT(31)
#define VTCR_SH0   (3ul << 12)
#define VTCR_ORGN0 (1ul << 10)
#define VTCR_IRGN0 (1ul << 8)
#define VTCR_SL0   (1ul << 6) /* start at level 1 */

unsigned stage2_ipa_bits;
static unsigned pa_bits;
static uint64_t vtcr;

static const uint64_t attr_bits[] = {
    [STAGE2_RAM] = S2_NORMAL_WB | S2_READ_WRITE | S2_SH_INNER | S2_AF,
    [STAGE2_RAM_NX] = S2_NORMAL_WB | S2_READ_WRITE | S2_SH_INNER | S2_AF | S2_XN,
    [STAGE2_DEVICE] = S2_DEVICE | S2_READ_WRITE | S2_AF | S2_XN,
};

void stage2_init(void)
{
    uint64_t parange = pt_parange();

    pa_bits = pt_widths[parange];
    stage2_ipa_bits = pt_widths[MIN(parange, STAGE2_PARANGE_MOST)];
    vtcr = VTCR_RES1 | parange << 16 | VTCR_SH0 | VTCR_ORGN0 | VTCR_IRGN0 | VTCR_SL0 |
           (64 - stage2_ipa_bits);
}

void stage2_init_cpu(void)
{
    sysreg_write(vtcr_el2, vtcr);
}

static unsigned root_pages(void)
{
    return stage2_ipa_bits > LEVEL1_BITS ? 1u << (stage2_ipa_bits - LEVEL1_BITS) : 1;
}

static void *table_alloc(void *context)
{
    const struct stage2 *s2 = context;

    return heap_alloc(1, s2->owner);
}

static void table_free(void *context, void *table)
{
    const struct stage2 *s2 = context;

    heap_free(table, 1, s2->owner);
}

static void invalidate(void *context, uint64_t input, uint64_t size, uint64_t granule)
{
    const struct stage2 *s2 = context;

    tlb_ipa(s2->vttbr, input, size, granule);
}

static const struct pt_ops stage2_ops = {
    .alloc = table_alloc,
    .free = table_free,
    .table_pa = heap_pa,
    .table_va = heap_va,
    .publish = tlb_publish,
    .invalidate = invalidate,
};

bool stage2_create(struct stage2 *s2, uint16_t owner)
{
    assert(stage2_ipa_bits && owner < VMID_MOST);
    s2->owner = owner;
    s2->pt = (struct pt){
        .ops = &stage2_ops,
        .context = s2,
        .root = heap_alloc(root_pages(), owner),
        .start_level = START_LEVEL,
        .input_bits = stage2_ipa_bits,
        .output_bits = pa_bits,
    };
    if (!s2->pt.root)
        return false;
    s2->vttbr = heap_pa(s2->pt.root).v | (uint64_t)(owner + 1) << 48;
    return true;
}

void stage2_destroy(struct stage2 *s2)
{
    /* Unmapped, not just freed: a walk that speculates while tlb_vmid has this VMID loaded must
     * find nothing to put into the TLB again. Nothing needs to be split, so this cannot fail. */
    bool unmapped = pt_unmap(&s2->pt, 0, BIT(stage2_ipa_bits));
    assert(unmapped);
    tlb_vmid(s2->vttbr);
    heap_free(s2->pt.root, root_pages(), s2->owner);
    s2->pt.root = NULL;
}

bool stage2_map(struct stage2 *s2, ipa_t ipa, pa_t pa, uint64_t size, enum stage2_attr attr)
{
    spin_lock(&s2->lock);
    bool ok = pt_map(&s2->pt, ipa.v, pa, size, attr_bits[attr]);
    spin_unlock(&s2->lock);
    return ok;
}

bool stage2_unmap(struct stage2 *s2, ipa_t ipa, uint64_t size)
{
    spin_lock(&s2->lock);
    bool ok = pt_unmap(&s2->pt, ipa.v, size);
    spin_unlock(&s2->lock);
    return ok;
}

bool stage2_lookup(struct stage2 *s2, ipa_t ipa, pa_t *pa)
{
    struct pt_leaf leaf;

    spin_lock(&s2->lock);
    bool found = pt_lookup(&s2->pt, ipa.v, &leaf);
    spin_unlock(&s2->lock);
    if (found)
        *pa = leaf.output;
    return found;
}

void stage2_load(const struct stage2 *s2)
{
    sysreg_write(vttbr_el2, s2->vttbr);
}
