/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers as a cache of the model: flush puts ready interrupts in, fold takes them back,
 * repeat writes the same once more. `lr` and the lr_* sets of struct vgic_cpu say what is where
 * without asking the hardware. A list register that the guest has emptied is found out late: when
 * it is needed, when its interrupt comes again, or at a vCPU switch. Only what must be seen at once
 * asks for a maintenance interrupt: the end of a level-triggered interrupt, and running out of list
 * registers. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"

/*
 * Fold: the guest left list register n in `state`. The interrupt is the model's again.
 */
static vcpu_mask_t fold(struct vgic *vgic, struct vgic_cpu *cpu, unsigned n, uint32_t state)
{
    const struct lr *lr = &cpu->lr[n];
    unsigned b = lr->intid / 32, i = lr->intid % 32;
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    uint32_t bit = BIT32(i), mask = BIT32(n);

    if (lr->hw && !state)
        bank->hw &= ~bit; /* the guest's deactivation did it */
    if (state || lr->eoi)
        cpu->lr_scrub |= (uint16_t)mask;
    if ((state & LR_PENDING) && (cpu->lr_soft & mask) && !(bank->drop_pending & bit)) {
        bank->latch |= bit;
        if (vgic_is_sgi_v2(vgic, lr->intid))
            cpu->sgi_sources[i] |= (uint8_t)BIT32(lr->source);
    }
    if ((state & LR_ACTIVE) && !(bank->drop_active & bit)) {
        bank->active |= bit;
        if (vgic_is_sgi_v2(vgic, lr->intid))
            cpu->sgi_active[i] = lr->source;
    }
    bank->drop_pending &= ~bit;
    bank->drop_active &= ~bit;
    bank->cached &= ~bit;
    cpu->lr_used &= (uint16_t)~mask;
    cpu->lr_stale &= (uint16_t)~mask;
    return vgic_update(vgic, cpu, b, bit);
}

vcpu_mask_t vgic_fold_lrs(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs)
{
    vcpu_mask_t kick = 0;

    for_each_bit(n, lrs)
        kick |= fold(vgic, cpu, n, gic_virt.lr_state(n));
    return kick;
}

vcpu_mask_t vgic_fold_invalid(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs)
{
    vcpu_mask_t kick = 0;

    for_each_bit(n, lrs & cpu->lr_used)
        kick |= fold(vgic, cpu, n, 0);
    return kick;
}

vcpu_mask_t vgic_fold_local(struct vgic *vgic, struct vgic_cpu *self, struct vgic_cpu *owner,
                            unsigned b, uint32_t bits)
{
    struct vgic_bank *bank = vgic_bank(vgic, owner, b);
    vcpu_mask_t kick = 0;

    bits &= bank->cached;
    if (!bits)
        return 0;
    for_each_bit(i, bits)
        if (vgic_holder(vgic, owner, b, i) == self)
            kick |= vgic_fold_lrs(vgic, self, BIT32(bank->lr[i]));
    return kick;
}

/* GICv2 SGI: an instance per sender; one of them at a time is in a list register. */
static bool take_sgi_source(struct vgic_cpu *cpu, struct vgic_bank *bank, struct lr *lr)
{
    uint8_t *sources = &cpu->sgi_sources[lr->intid];
    bool taken = false;

    if (lr->state & LR_ACTIVE)
        lr->source = cpu->sgi_active[lr->intid];
    else
        lr->source = (uint8_t)__builtin_ctz(*sources);
    if (*sources & BIT32(lr->source)) {
        *sources &= (uint8_t)~BIT32(lr->source);
        lr->state |= LR_PENDING;
        taken = true;
    }
    lr->eoi = *sources != 0;
    if (!*sources)
        bank->latch &= ~BIT32(lr->intid);
    return taken;
}

/*
 * What goes into the list register, taken out of the model. Pending and active at once exists for
 * edge-triggered interrupts of this vCPU without hardware behind them; the others become pending
 * again when the maintenance interrupt tells that they ended. Returns whether the pending state
 * came from the latch.
 */
static bool compose(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, unsigned i, struct lr *lr)
{
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    uint32_t bit = BIT32(i);
    bool active = bank->active & bit;
    bool forwarded = vgic_forwarded(vgic, bank) & bit;
    bool line = bank->line & ~bank->edge & bit;
    bool moved = b && vgic_spi(vgic, b)->route[i] != cpu->number;
    bool soft = false;

    *lr = (struct lr){.intid = (uint16_t)(32 * b + i),
                      .priority = bank->priority[i],
                      .state = active ? LR_ACTIVE : 0,
                      .group1 = bank->group1 & bit};
    if (!forwarded) {
        lr->hw = (bank->hw & ~bank->latch) & bit;
        lr->source = vgic_is_sgi_v2(vgic, lr->intid) ? cpu->sgi_active[i] : 0;
    } else if (vgic_is_sgi_v2(vgic, lr->intid)) {
        soft = take_sgi_source(cpu, bank, lr);
    } else if (active && (line || moved || (bank->hw & bit))) {
        lr->eoi = true;
    } else {
        soft = bank->latch & bit;
        bank->latch &= ~bit;
        lr->state |= LR_PENDING;
        lr->hw = bank->hw & bit;
        lr->eoi = line && !lr->hw;
    }
    bank->active &= ~bit;
    return soft;
}

void vgic_place(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid, unsigned n)
{
    unsigned b = intid / 32, i = intid % 32;
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    uint16_t mask = (uint16_t)BIT32(n);
    struct lr *lr = &cpu->lr[n];
    uint32_t bit = BIT32(i);

    cpu->lr_soft &= (uint16_t)~mask;
    cpu->lr_again &= (uint16_t)~mask;
    if (compose(vgic, cpu, b, i, lr)) {
        cpu->lr_soft |= mask;
        if (lr->state == LR_PENDING && !lr->eoi)
            cpu->lr_again |= mask;
    }
    cpu->injected += lr->state & LR_PENDING;
    cpu->lr_used |= mask;
    cpu->lr_scrub &= (uint16_t)~mask;
    bank->cached |= bit;
    bank->lr[i] = (uint8_t)n;
    vgic_unready(cpu, bank, b, bit);
    cpu->lr_raw[n] = gic_virt.lr_encode(lr);
    gic_virt.lr_write(n, cpu->lr_raw[n]);
}

/*
 * The interrupt, of `bank`, in stale list register n has changed: if all there is to it is that it
 * is pending again, and the guest has emptied the list register, writes it once more.
 */
static bool repeat(struct vgic *vgic, struct vgic_cpu *cpu, struct vgic_bank *bank, unsigned n)
{
    const struct lr *lr = &cpu->lr[n];
    bool sgi_v2 = vgic_is_sgi_v2(vgic, lr->intid);
    uint32_t bit = BIT32(lr->intid % 32);
    /* What else than a latch, or the lack of one, may be the matter. */
    uint32_t odd = bank->active | bank->drop_pending | bank->drop_active | bank->hw |
                   (bank->line & ~bank->edge) | ~(bank->latch & vgic_enabled(vgic, bank));

    if (!(cpu->lr_again & BIT32(n)) || lr->hw || (odd & bit) ||
        (sgi_v2 && cpu->sgi_sources[lr->intid] != BIT32(lr->source)) ||
        !gic_virt.lr_refill(n, cpu->lr_raw[n]))
        return false;
    if (sgi_v2)
        cpu->sgi_sources[lr->intid] = 0;
    cpu->injected++;
    bank->latch &= ~bit;
    return true;
}

bool vgic_repeat_hw(struct vgic_cpu *cpu, unsigned n)
{
    if (!vgic_is_as_placed(cpu, n) || !cpu->lr[n].hw)
        return false;
    cpu->injected++;
    gic_virt.lr_write(n, cpu->lr_raw[n]);
    return true;
}

bool vgic_fill(struct vgic *vgic, struct vgic_cpu *cpu)
{
    while (cpu->ready_banks) {
        unsigned b = (unsigned)__builtin_ctz(cpu->ready_banks);
        uint32_t free = (BIT32(gic_info.nr_lrs) - 1) & ~cpu->lr_used;

        if (!free)
            return false;
        if (free & cpu->lr_scrub)
            free &= cpu->lr_scrub;
        vgic_place(vgic, cpu, 32 * b + (uint32_t)__builtin_ctz(cpu->ready[b]),
                   (unsigned)__builtin_ctz(free));
    }
    return true;
}

void vgic_scrub(struct vgic_cpu *cpu)
{
    for_each_bit(n, cpu->lr_scrub)
        gic_virt.lr_write(n, 0);
    for_each_bit(intid, cpu->release)
        gic_ops.deactivate(intid);
    cpu->lr_scrub = 0;
    cpu->release = 0;
}

/* Interrupts in list registers that came again or changed. */
static vcpu_mask_t refresh(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    for_each_bit(n, cpu->lr_stale) {
        struct vgic_bank *bank = vgic_bank(vgic, cpu, cpu->lr[n].intid / 32);

        if (!repeat(vgic, cpu, bank, n))
            kick |= fold(vgic, cpu, n, gic_virt.lr_state(n));
    }
    cpu->lr_stale = 0;
    return kick;
}

vcpu_mask_t vgic_flush(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    assert(cpu->loaded);
    if (cpu->hcr & HCR_LRENPIE)
        kick |= vgic_fold_eoi_count(vgic, cpu);
    if (cpu->lr_stale)
        kick |= refresh(vgic, cpu);
    if (!vgic_fill(vgic, cpu))
        kick |= vgic_spill(vgic, cpu);
    else if (cpu->hcr != HCR_EN)
        vgic_write_hcr(cpu, HCR_EN);
    if (cpu->lr_scrub | cpu->release)
        vgic_scrub(cpu);
    __atomic_store_n(&cpu->dirty, false, __ATOMIC_RELAXED); /* last: folding sets it */
    spin_unlock(&vgic->lock);
    return kick & ~BIT(cpu->number);
}

vcpu_mask_t vgic_maintenance(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    if (cpu->loaded) {
        if (cpu->hcr & HCR_LRENPIE)
            kick |= vgic_fold_eoi_count(vgic, cpu);
        kick |= vgic_fold_invalid(vgic, cpu, gic_virt.lr_empty() | gic_virt.lr_ended());
        __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&vgic->lock);
    return kick & ~BIT(cpu->number);
}
