/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers as a cache of the model: flush puts ready interrupts in, fold takes them back,
 * switch saves and loads the interface. `lr` and the lr_* sets of struct vgic_cpu say what is where
 * without asking the hardware. A list register that the guest has emptied is found out late: when
 * it is needed, when its interrupt comes again, or at a vCPU switch. Only what must be seen at once
 * asks for a maintenance interrupt: the end of a level-triggered interrupt, and running out of list
 * registers. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"
#include "platform/string.h"

static uint32_t all_lrs(void)
{
    return BIT32(gic_info.nr_lrs) - 1;
}

static void write_hcr(struct vgic_cpu *cpu, uint32_t hcr)
{
    if (cpu->hcr == hcr)
        return;
    cpu->hcr = hcr;
    gic_ops->hcr_write(hcr);
}

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

static vcpu_mask_t read_and_fold(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs)
{
    vcpu_mask_t kick = 0;

    for (; lrs; lrs &= lrs - 1) {
        unsigned n = (unsigned)__builtin_ctz(lrs);
        struct lr lr;

        gic_ops->lr_read(n, &lr);
        kick |= fold(vgic, cpu, n, lr.state);
    }
    return kick;
}

static vcpu_mask_t fold_invalid(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs)
{
    vcpu_mask_t kick = 0;

    for (lrs &= cpu->lr_used; lrs; lrs &= lrs - 1)
        kick |= fold(vgic, cpu, (unsigned)__builtin_ctz(lrs), 0);
    return kick;
}

vcpu_mask_t vgic_fold_ended(struct vgic *vgic, struct vgic_cpu *cpu, unsigned n)
{
    return fold(vgic, cpu, n, 0);
}

vcpu_mask_t vgic_fold_local(struct vgic *vgic, struct vgic_cpu *self, struct vgic_cpu *owner,
                            unsigned b, uint32_t bits)
{
    struct vgic_bank *bank = vgic_bank(vgic, owner, b);
    vcpu_mask_t kick = 0;

    for (bits &= bank->cached; bits; bits &= bits - 1) {
        unsigned i = (unsigned)__builtin_ctz(bits);
        unsigned holder = b ? vgic_spi(vgic, b)->holder[i] : owner->number;

        if (holder == self->number)
            kick |= read_and_fold(vgic, self, BIT32(bank->lr[i]));
    }
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

static void place(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, unsigned i, unsigned n)
{
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    uint16_t mask = (uint16_t)BIT32(n);
    uint32_t bit = BIT32(i);

    if (compose(vgic, cpu, b, i, &cpu->lr[n]))
        cpu->lr_soft |= mask;
    else
        cpu->lr_soft &= (uint16_t)~mask;
    cpu->lr_used |= mask;
    cpu->lr_scrub &= (uint16_t)~mask;
    bank->cached |= bit;
    bank->lr[i] = (uint8_t)n;
    vgic_unready(cpu, bank, b, bit);
    gic_ops->lr_write(n, &cpu->lr[n]);
}

/* Fills free list registers, those in need of a rewrite first. False: ready interrupts are left. */
static bool fill(struct vgic *vgic, struct vgic_cpu *cpu)
{
    while (cpu->ready_banks) {
        unsigned b = (unsigned)__builtin_ctz(cpu->ready_banks);
        uint32_t free = all_lrs() & ~cpu->lr_used;

        if (!free)
            return false;
        if (free & cpu->lr_scrub)
            free &= cpu->lr_scrub;
        place(vgic, cpu, b, (unsigned)__builtin_ctz(cpu->ready[b]), (unsigned)__builtin_ctz(free));
    }
    return true;
}

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
    for (uint32_t banks = cpu->ready_banks; banks; banks &= banks - 1) {
        unsigned b = (unsigned)__builtin_ctz(banks);
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);

        for (uint32_t bits = cpu->ready[b]; bits; bits &= bits - 1)
            consider(choice, sort_key(bank, b, (unsigned)__builtin_ctz(bits)));
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
    for (uint32_t banks = cpu->ready_banks; banks; banks &= banks - 1) {
        unsigned b = (unsigned)__builtin_ctz(banks);
        uint32_t active = vgic_bank(vgic, cpu, b)->active & cpu->ready[b];

        if (active)
            hcr |= HCR_LRENPIE;
        if (cpu->ready[b] & ~active)
            hcr |= HCR_NPIE;
    }
    return hcr;
}

/* More ready interrupts than list registers: the best of all get in, the hardware tells when to
 * refill. */
static vcpu_mask_t spill(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = fold_invalid(vgic, cpu, gic_ops->lr_empty());
    struct choice choice;

    if (fill(vgic, cpu)) {
        write_hcr(cpu, HCR_EN);
        return kick;
    }
    kick |= read_and_fold(vgic, cpu, cpu->lr_used);
    choose(vgic, cpu, &choice);
    for (unsigned n = 0; n < choice.count; n++)
        place(vgic, cpu, KEY_INTID(choice.key[n]) / 32, KEY_INTID(choice.key[n]) % 32, n);
    write_hcr(cpu, overflow_hcr(vgic, cpu));
    return kick;
}

/* Active interrupt of the highest priority among those that have no list register. */
static bool best_waiting_active(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t *intid)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t banks = cpu->ready_banks; banks; banks &= banks - 1) {
        unsigned b = (unsigned)__builtin_ctz(banks);
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);

        for (uint32_t bits = cpu->ready[b] & bank->active; bits; bits &= bits - 1)
            best = MIN(best, sort_key(bank, b, (unsigned)__builtin_ctz(bits)));
    }
    *intid = KEY_INTID(best);
    return best != UINT32_MAX;
}

/*
 * The guest deactivated interrupts that had no list register; the hardware only counts them. Guests
 * end interrupts in the reverse order of taking them, so they are those of the highest priority.
 */
static vcpu_mask_t fold_eoi_count(struct vgic *vgic, struct vgic_cpu *cpu)
{
    uint32_t intid, count = HCR_EOICOUNT(gic_ops->hcr_read());
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
    gic_ops->hcr_write(cpu->hcr); /* resets the count */
    return kick;
}

/* Deactivates private physical interrupts that the guest disposed of. */
static void release_private(struct vgic_cpu *cpu)
{
    for (; cpu->release; cpu->release &= cpu->release - 1)
        gic_ops->deactivate((uint32_t)__builtin_ctz(cpu->release));
}

static void scrub(struct vgic_cpu *cpu)
{
    static const struct lr empty;

    for (; cpu->lr_scrub; cpu->lr_scrub &= (uint16_t)(cpu->lr_scrub - 1))
        gic_ops->lr_write((unsigned)__builtin_ctz(cpu->lr_scrub), &empty);
}

vcpu_mask_t vgic_flush(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    assert(cpu->loaded);
    if (cpu->hcr & HCR_LRENPIE)
        kick |= fold_eoi_count(vgic, cpu);
    if (cpu->lr_stale)
        kick |= read_and_fold(vgic, cpu, cpu->lr_stale);
    if (fill(vgic, cpu))
        write_hcr(cpu, HCR_EN);
    else
        kick |= spill(vgic, cpu);
    if (cpu->lr_scrub)
        scrub(cpu);
    if (cpu->release)
        release_private(cpu);
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
            kick |= fold_eoi_count(vgic, cpu);
        kick |= fold_invalid(vgic, cpu, gic_ops->lr_empty() | gic_ops->lr_ended());
        __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&vgic->lock);
    return kick & ~BIT(cpu->number);
}

/*
 * Private interrupts that are physically active for this vCPU must not be so for the next one; they
 * keep their `hw` mark, and load makes them active again.
 */
static void suspend_private_hw(struct vgic_cpu *cpu)
{
    cpu->release |= cpu->private.hw;
    release_private(cpu);
}

vcpu_mask_t vgic_save(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    assert(cpu->loaded);
    if (cpu->hcr & HCR_LRENPIE)
        kick |= fold_eoi_count(vgic, cpu);
    if (cpu->lr_used) {
        kick |= fold_invalid(vgic, cpu, gic_ops->lr_empty());
        kick |= read_and_fold(vgic, cpu, cpu->lr_used);
    }
    scrub(cpu);
    suspend_private_hw(cpu);
    gic_ops->save(&cpu->vmcr, cpu->apr);
    cpu->hcr = 0;
    gic_ops->hcr_write(0);
    cpu->loaded = false;
    spin_unlock(&vgic->lock);
    return kick & ~BIT(cpu->number);
}

void vgic_load(struct vgic *vgic, struct vgic_cpu *cpu)
{
    spin_lock(&vgic->lock);
    assert(!cpu->loaded && !cpu->lr_used);
    cpu->loaded = true;
    gic_ops->load(cpu->vmcr, cpu->apr);
    write_hcr(cpu, HCR_EN);
    if (cpu->private.hw)
        gic_bank_set_active(0, cpu->private.hw);
    if (cpu->ready_banks)
        __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
    spin_unlock(&vgic->lock);
}

/* Whether a list register or a ready interrupt would be signalled at priorities below `threshold`.
 */
static bool signalled_lr(const struct vgic_cpu *cpu, uint32_t vmcr, uint32_t threshold)
{
    uint32_t lrs = cpu->lr_used & ~gic_ops->lr_empty();

    for (; lrs; lrs &= lrs - 1) {
        struct lr lr;

        gic_ops->lr_read((unsigned)__builtin_ctz(lrs), &lr);
        if (lr.state == LR_PENDING && lr.priority < threshold &&
            (vmcr & (lr.group1 ? VMCR_GROUP1 : VMCR_GROUP0)))
            return true;
    }
    return false;
}

static bool signalled_ready(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t vmcr,
                            uint32_t threshold)
{
    for (uint32_t banks = cpu->ready_banks; banks; banks &= banks - 1) {
        unsigned b = (unsigned)__builtin_ctz(banks);
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
        uint32_t groups =
            (vmcr & VMCR_GROUP0 ? ~bank->group1 : 0) | (vmcr & VMCR_GROUP1 ? bank->group1 : 0);

        for (uint32_t bits = cpu->ready[b] & ~bank->active & groups; bits; bits &= bits - 1)
            if (bank->priority[__builtin_ctz(bits)] < threshold)
                return true;
    }
    return false;
}

bool vgic_has_deliverable(struct vgic *vgic, struct vgic_cpu *cpu)
{
    bool yes = false;

    spin_lock(&vgic->lock);
    if (cpu->ready_banks || cpu->lr_used) {
        if (cpu->loaded)
            gic_ops->save(&cpu->vmcr, cpu->apr);
        uint32_t threshold = gic_ops->threshold(cpu->vmcr, (const uint32_t(*)[4])cpu->apr);
        yes = signalled_ready(vgic, cpu, cpu->vmcr, threshold) ||
              (cpu->lr_used && signalled_lr(cpu, cpu->vmcr, threshold));
    }
    spin_unlock(&vgic->lock);
    return yes;
}
