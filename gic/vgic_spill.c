/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More ready interrupts than list registers: which of them get in, and what becomes of the others.
 * May include platform, gic.
 */
#include "gic/vgic_internal.h"

/*
 * Orders candidates: higher priority first; active before pending, since pending ones cannot
 * preempt an active one of the same priority; lower INTID first.
 */
static uint32_t sort_key(const struct vgic_bank *bank, unsigned b, unsigned i)
{
    return (uint32_t)bank->priority[i] << 16 | (bank->active & BIT32(i) ? 0 : BIT32(15)) |
           (32 * b + i);
}

#define KEY_INTID(key)  ((key)&0x3ff)
#define KEY_ACTIVE(key) (!((key)&BIT32(15)))

struct choice {
    unsigned count;
    uint32_t key[LR_MAX];  /* the best, in order */
    uint32_t best_pending; /* of all candidates; UINT32_MAX: none */
};

static void consider(struct choice *choice, uint32_t key)
{
    unsigned at = choice->count;

    if (!KEY_ACTIVE(key))
        choice->best_pending = MIN(choice->best_pending, key);
    if (at == gic_info.nr_lrs && key >= choice->key[--at])
        return;
    for (; at > 0 && choice->key[at - 1] > key; at--)
        choice->key[at] = choice->key[at - 1];
    choice->key[at] = key;
    choice->count = MIN(choice->count + 1, gic_info.nr_lrs);
}

/* Walks the ready set: bounded by the number of interrupts of the vGIC. */
static void choose(struct vgic *vgic, struct vgic_cpu *cpu, struct choice *choice)
{
    bool pending = false;

    *choice = (struct choice){.best_pending = UINT32_MAX};
    for_each_bit(b, cpu->ready_banks) {
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);

        for_each_bit(i, cpu->ready[b])
            consider(choice, sort_key(bank, b, i));
    }
    for (unsigned k = 0; k < choice->count; k++)
        pending |= !KEY_ACTIVE(choice->key[k]);
    /* A guest that deactivates late must still see what is pending: it takes the last place. */
    if (!pending && choice->best_pending != UINT32_MAX)
        choice->key[choice->count - 1] = choice->best_pending;
}

/*
 * Interrupts are ready, still: pending ones are to get in when the guest has taken those that did,
 * and the end of active ones is to be told. One pending interrupt at least is in (choose), or else
 * the guest would never run.
 */
static uint32_t overflow_hcr(struct vgic *vgic, struct vgic_cpu *cpu)
{
    uint32_t hcr = HCR_EN;
    for_each_bit(b, cpu->ready_banks) {
        uint32_t active = vgic_bank(vgic, cpu, b)->active & cpu->ready[b];

        if (active)
            hcr |= HCR_LRENPIE;
        if (cpu->ready[b] & ~active)
            hcr |= HCR_NPIE;
    }
    return hcr;
}

vcpu_mask_t vgic_spill(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = vgic_fold_invalid(vgic, cpu, gic_virt.lr_empty());
    struct choice choice;

    if (vgic_fill(vgic, cpu)) {
        vgic_write_hcr(cpu, HCR_EN);
        return kick;
    }
    kick |= vgic_fold_lrs(vgic, cpu, cpu->lr_used);
    choose(vgic, cpu, &choice);
    for (unsigned n = 0; n < choice.count; n++)
        vgic_place(vgic, cpu, KEY_INTID(choice.key[n]), n);
    vgic_write_hcr(cpu, overflow_hcr(vgic, cpu));
    return kick;
}

/* Active interrupt of the highest priority among those that have no list register. */
static bool best_waiting_active(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t *intid)
{
    uint32_t best = UINT32_MAX;

    for_each_bit(b, cpu->ready_banks) {
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);

        for_each_bit(i, cpu->ready[b] & bank->active)
            best = MIN(best, sort_key(bank, b, i));
    }
    *intid = KEY_INTID(best);
    return best != UINT32_MAX;
}

/*
 * The guest deactivated interrupts that had no list register; the hardware only counts them. Guests
 * end interrupts in the reverse order of taking them, so they are those of the highest priority.
 */
vcpu_mask_t vgic_fold_eoi_count(struct vgic *vgic, struct vgic_cpu *cpu)
{
    uint32_t intid, count = HCR_EOICOUNT(gic_virt.hcr_read());
    vcpu_mask_t kick = 0;

    if (!count)
        return 0;
    for (; count && best_waiting_active(vgic, cpu, &intid); count--) {
        struct vgic_bank *bank = vgic_bank(vgic, cpu, intid / 32);

        bank->active &= ~BIT32(intid % 32);
        if (intid < 32)
            kick |= vgic_update(vgic, cpu, 0, BIT32(intid));
        else
            kick |= vgic_move(vgic, intid / 32, BIT32(intid % 32));
    }
    gic_virt.hcr_write(cpu->hcr); /* resets the count */
    return kick;
}
