/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC's model: reset, interrupt inputs, and the oracle that decides who gets an
 * interrupt.
 *
 * An interrupt wants a list register when it is forwarded (pending and enabled) or active. As long
 * as it has none it is in the ready set of one vCPU, `holder`: the one it is routed to, or the one
 * that made it active. The ready sets are kept up to date at every change, so that guest entry
 * looks at nothing else. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"
#include "platform/string.h"

static void mark_dirty(struct vgic_cpu *cpu)
{
    __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
}

static void make_ready(struct vgic_cpu *cpu, struct vgic_bank *bank, unsigned b, uint32_t bits)
{
    bank->ready |= bits;
    cpu->ready[b] |= bits;
    cpu->ready_banks |= BIT32(b);
    mark_dirty(cpu);
}

void vgic_unready(struct vgic_cpu *cpu, struct vgic_bank *bank, unsigned b, uint32_t bits)
{
    bank->ready &= ~bits;
    cpu->ready[b] &= ~bits;
    if (!cpu->ready[b])
        cpu->ready_banks &= ~BIT32(b);
}

vcpu_mask_t vgic_mark_stale(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits)
{
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    vcpu_mask_t kick = 0;

    for_each_bit(i, bits & bank->cached) {
        struct vgic_cpu *holder = vgic_holder(vgic, cpu, b, i);

        holder->lr_stale |= (uint16_t)BIT32(bank->lr[i]);
        mark_dirty(holder);
        kick |= BIT(holder->number);
    }
    return kick;
}

vcpu_mask_t vgic_recompose(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits)
{
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    vcpu_mask_t kick = vgic_mark_stale(vgic, cpu, b, bits);

    for_each_bit(i, bits & (bank->cached | bank->ready)) {
        struct vgic_cpu *holder = vgic_holder(vgic, cpu, b, i);

        if (bank->cached & BIT32(i))
            holder->lr_again &= (uint16_t)~BIT32(bank->lr[i]);
        mark_dirty(holder);
        kick |= BIT(holder->number);
    }
    return kick;
}

static vcpu_mask_t update_private(struct vgic_cpu *cpu, uint32_t want)
{
    struct vgic_bank *bank = &cpu->private;
    uint32_t gone = bank->ready & ~want;
    uint32_t come = want & ~bank->ready;

    if (gone)
        vgic_unready(cpu, bank, 0, gone);
    if (!come)
        return 0;
    make_ready(cpu, bank, 0, come);
    return BIT(cpu->number);
}

static vcpu_mask_t update_spis(struct vgic *vgic, unsigned b, uint32_t want)
{
    struct vgic_spi_bank *spi = vgic_spi(vgic, b);
    struct vgic_bank *bank = &spi->bank;
    vcpu_mask_t kick = 0;

    for_each_bit(i, want ^ bank->ready) {
        uint32_t bit = BIT32(i);

        if (bank->ready & bit) {
            vgic_unready(vgic->cpu[spi->holder[i]], bank, b, bit);
            continue;
        }
        if (!(bank->active & bit))
            spi->holder[i] = spi->route[i];
        if (spi->holder[i] == VGIC_NOBODY)
            continue;
        make_ready(vgic->cpu[spi->holder[i]], bank, b, bit);
        kick |= BIT(spi->holder[i]);
    }
    return kick;
}

vcpu_mask_t vgic_update(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits)
{
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
    vcpu_mask_t kick = 0;
    uint32_t idle_hw, want;

    if (bits & bank->cached) {
        kick = vgic_mark_stale(vgic, cpu, b, bits);
        if (!(bits & ~bank->cached))
            return kick;
    }
    idle_hw = bits & bank->hw & ~bank->active & ~bank->cached;
    if (idle_hw) {
        if (b && (idle_hw & bank->latch & ~bank->enabled))
            vgic_hw_give_back(bank, b, idle_hw & bank->latch & ~bank->enabled);
        if (idle_hw & ~bank->latch)
            kick |= vgic_hw_release(bank, cpu, b, idle_hw & ~bank->latch);
    }
    want = (vgic_forwarded(vgic, bank) | bank->active) & ~bank->cached;
    if (want == bank->ready)
        return kick;
    return kick | (b ? update_spis(vgic, b, want) : update_private(cpu, want));
}

vcpu_mask_t vgic_update_all(struct vgic *vgic)
{
    vcpu_mask_t kick = 0;

    for (unsigned n = 0; n < vgic->nr_cpus; n++)
        kick |= vgic_update(vgic, vgic->cpu[n], 0, 0xffffffff);
    for (unsigned b = 1; b < vgic->nr_banks; b++)
        kick |= vgic_update(vgic, NULL, b, 0xffffffff);
    return kick;
}

vcpu_mask_t vgic_move(struct vgic *vgic, unsigned b, uint32_t bits)
{
    struct vgic_spi_bank *spi = vgic_spi(vgic, b);

    for_each_bit(i, bits & spi->bank.ready & ~spi->bank.active) {
        if (spi->holder[i] != spi->route[i])
            vgic_unready(vgic->cpu[spi->holder[i]], &spi->bank, b, BIT32(i));
    }
    return vgic_recompose(vgic, NULL, b, bits) | vgic_update(vgic, NULL, b, bits);
}

/* An INTID and a vCPU that a caller in core named. */
static bool exists(const struct vgic *vgic, unsigned vcpu, uint32_t intid)
{
    return intid < vgic->nr_irqs && (intid >= 32 || vcpu < vgic->nr_cpus);
}

unsigned vgic_target(const struct vgic *vgic, uint32_t intid)
{
    unsigned route = vgic_spi(vgic, intid / 32)->route[intid % 32];

    return route == VGIC_NOBODY ? 0 : route;
}

/*
 * It is pending again: if the list register it is in is one of this CPU's, and the guest has
 * emptied it, writes it once more. Returns whose; 0: nothing was done.
 */
static inline vcpu_mask_t repeat_here(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
    unsigned b = intid / 32, i = intid % 32;
    struct vgic_bank *bank = vgic_bank(vgic, cpu, b);

    if (!(bank->cached & BIT32(i)))
        return 0;
    cpu = vgic_holder(vgic, cpu, b, i);
    return vgic_is_here(cpu) && vgic_repeat_at_once(cpu, bank->lr[i]) ? BIT(cpu->number) : 0;
}

static RARE vcpu_mask_t latch(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
    unsigned b = intid / 32;

    vgic_bank(vgic, cpu, b)->latch |= BIT32(intid % 32);
    return vgic_update(vgic, cpu, b, BIT32(intid % 32));
}

vcpu_mask_t vgic_set_pending(struct vgic *vgic, unsigned vcpu, uint32_t intid)
{
    if (!exists(vgic, vcpu, intid) || vgic_is_sgi_v2(vgic, intid))
        return 0;
    struct vgic_cpu *cpu = vgic->cpu[intid < 32 ? vcpu : 0];
    spin_lock(&vgic->lock);
    vcpu_mask_t kick = repeat_here(vgic, cpu, intid);
    if (!kick)
        kick = latch(vgic, cpu, intid);
    spin_unlock(&vgic->lock);
    return kick;
}

vcpu_mask_t vgic_set_level(struct vgic *vgic, unsigned vcpu, uint32_t intid, bool level)
{
    uint32_t bit = BIT32(intid % 32);
    vcpu_mask_t kick = 0;

    if (!exists(vgic, vcpu, intid) || intid < 16)
        return 0;
    struct vgic_cpu *cpu = vgic->cpu[intid < 32 ? vcpu : 0];
    spin_lock(&vgic->lock);
    struct vgic_bank *bank = vgic_bank(vgic, cpu, intid / 32);
    if (level != !!(bank->line & bit)) {
        bank->line ^= bit;
        if (level && (bank->edge & bit)) /* the guest's idea of the trigger: a rising edge */
            bank->latch |= bit;
        kick = vgic_update(vgic, cpu, intid / 32, bit);
    }
    spin_unlock(&vgic->lock);
    return kick;
}

/* What is not named is zero: disabled, not pending, of the highest priority. */
void vgic_reset_cpu(struct vgic *vgic, unsigned vcpu)
{
    assert(vcpu < vgic->nr_cpus);
    struct vgic_cpu *cpu = vgic->cpu[vcpu];
    struct vgic_bank *bank = &cpu->private;

    spin_lock(&vgic->lock);
    assert(!cpu->loaded);
    vgic_unready(cpu, bank, 0, 0xffffffff);
    *bank = (struct vgic_bank){
        .edge = 0x0000ffff,
        .group1 = vgic->version == 3 ? 0xffffffff : 0,
        .enabled = vgic->version == 2 ? 0x0000ffff : 0, /* SGIs: as most GICv2 have them */
    };
    memset(cpu->sgi_sources, 0, sizeof(cpu->sgi_sources));
    memset(cpu->sgi_active, 0, sizeof(cpu->sgi_active));
    cpu->release = 0;
    cpu->interface = (struct gic_interface){0};
    spin_unlock(&vgic->lock);
}

void vgic_init(struct vgic *vgic)
{
    bool v3 = vgic->version == 3;
    unsigned irqs = vgic->nr_irqs;

    assert((v3 || vgic->version == 2) && vgic->nr_cpus > 0);
    assert(vgic->nr_cpus <= (v3 ? VGIC_MAX_CPUS : VGIC_MAX_CPUS_V2));
    assert(irqs >= 32 && irqs <= VGIC_MAX_IRQS && (irqs % 32 == 0 || irqs == VGIC_MAX_IRQS));
    vgic->nr_banks = (uint8_t)((irqs + 31) / 32);
    vgic->typer =
        (vgic->nr_banks - 1u) | (v3 ? 9u << 19 /* 10 bits of INTID */ : (vgic->nr_cpus - 1u) << 5);
    for (unsigned b = 1; b < vgic->nr_banks; b++) {
        vgic_spi(vgic, b)->bank.group1 = v3 ? 0xffffffff : 0;
        memset(vgic_spi(vgic, b)->targets, !v3, sizeof(vgic_spi(vgic, b)->targets));
    }
    for (unsigned n = 0; n < vgic->nr_cpus; n++) {
        struct vgic_cpu *cpu = vgic->cpu[n];

        cpu->number = (uint8_t)n;
        cpu->hcr = HCR_EN;
        cpu->vgic = vgic;
        vgic_reset_cpu(vgic, n);
    }
}
