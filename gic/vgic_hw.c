/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical interrupts of a domain: `hw` of a bank marks those that are physically active on behalf
 * of the virtual one. The guest's deactivation ends both at once; here is every other way to end
 * it. SPIs have the same INTID, trigger and enable on both sides, and go to the CPU of their vCPU.
 * May include platform, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/cpu.h"
#include "platform/mmio.h"
#include "platform/panic.h"

void vgic_hw_route(struct vgic *vgic, unsigned b, unsigned i)
{
    unsigned target = vgic_spi(vgic, b)->route[i];

    if (target != VGIC_NOBODY)
        gic_ops.route(32 * b + i, vgic->cpu[target]->pcpu);
}

void vgic_hw_enable(struct vgic *vgic, unsigned b, uint32_t bits)
{
    for_each_bit(i, bits)
        vgic_hw_route(vgic, b, i);
    gic_bank_write(GICD_ISENABLER, b, bits);
}

static void set_edge(uint32_t intid, bool edge)
{
    volatile uint8_t *config = gic_ops.frame(intid) + GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << (intid % 16 * 2);
    uint32_t value = mmio_read32(config);

    mmio_write32(config, edge ? value | bit : value & ~bit);
}

void vgic_hw_set_edge(struct vgic *vgic, unsigned b, uint32_t bits)
{
    uint32_t edge = vgic_spi(vgic, b)->bank.edge;

    for_each_bit(i, bits) {
        set_edge(32 * b + i, edge & BIT32(i));
    }
}

vcpu_mask_t vgic_hw_release(struct vgic_bank *bank, struct vgic_cpu *cpu, unsigned b, uint32_t bits)
{
    bank->hw &= ~bits;
    if (!b) {
        if (!cpu->loaded) /* vgic_save has deactivated it */
            return 0;
        cpu->release |= bits;
        __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
        return BIT(cpu->number);
    }
    for_each_bit(i, bits)
        gic_ops.deactivate(32 * b + i);
    return 0;
}

/* A level is still there after deactivation; an edge has to be made again. */
void vgic_hw_give_back(struct vgic_bank *bank, unsigned b, uint32_t bits)
{
    bank->latch &= ~bits;
    if (bits & bank->edge)
        gic_bank_write(GICD_ISPENDR, b, bits & bank->edge);
}

vcpu_mask_t vgic_set_pending_hw(struct vgic *vgic, unsigned vcpu, uint32_t intid)
{
    unsigned b = intid / 32, i = intid % 32;
    uint32_t bit = BIT32(i);
    struct vgic_cpu *cpu, *holder;
    struct vgic_bank *bank;
    vcpu_mask_t kick = 0;

    assert(vcpu < vgic->nr_cpus && intid >= 16 && intid < vgic->nr_irqs);
    spin_lock(&vgic->lock);
    cpu = vgic->cpu[vcpu];
    bank = vgic_bank(vgic, cpu, b);
    if (bank->cached & bit) {
        holder = vgic_holder(vgic, cpu, b, i);
        if (vgic_is_here(holder) && vgic_repeat_hw(holder, bank->lr[i])) {
            spin_unlock(&vgic->lock);
            return BIT(holder->number);
        }
        /* It could come only because the guest's deactivation of the last one ended it. */
        if (holder->lr[bank->lr[i]].hw)
            kick = vgic_fold_invalid(vgic, holder, BIT32(bank->lr[i]));
    }
    bank->latch |= bit;
    bank->hw |= bit;
    kick |= vgic_update(vgic, cpu, b, bit);
    spin_unlock(&vgic->lock);
    return kick;
}

void vgic_set_pcpu(struct vgic *vgic, struct vgic_cpu *cpu, unsigned pcpu)
{
    spin_lock(&vgic->lock);
    assert(!cpu->loaded);
    cpu->pcpu = (uint8_t)pcpu;
    for (unsigned b = 1; vgic->hardware_spis && b < vgic->nr_banks; b++) {
        struct vgic_spi_bank *spi = vgic_spi(vgic, b);

        for_each_bit(i, spi->bank.enabled) {
            if (spi->route[i] == cpu->number)
                vgic_hw_route(vgic, b, i);
        }
    }
    spin_unlock(&vgic->lock);
}

void vgic_destroy(struct vgic *vgic)
{
    spin_lock(&vgic->lock);
    for (unsigned b = 1; vgic->hardware_spis && b < vgic->nr_banks; b++) {
        struct vgic_bank *bank = &vgic_spi(vgic, b)->bank;

        assert(!bank->cached);
        gic_bank_write(GICD_ICENABLER, b, vgic_valid(vgic, b));
        vgic_hw_release(bank, NULL, b, bank->hw);
        gic_bank_write(GICD_ICPENDR, b, vgic_valid(vgic, b));
    }
    spin_unlock(&vgic->lock);
}
