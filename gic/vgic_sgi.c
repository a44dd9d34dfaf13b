/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software-generated interrupts: ICC_SGI1R_EL1 on GICv3, GICD_SGIR and the per-sender pending bits
 * on GICv2, where an SGI from two CPUs is two interrupts. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"

/* Makes the SGI pending at one vCPU. */
static inline vcpu_mask_t pend(struct vgic *vgic, struct vgic_cpu *cpu, unsigned from, unsigned sgi)
{
    struct vgic_bank *bank = &cpu->private;
    uint32_t bit = BIT32(sgi);

    if (vgic->version == 2)
        cpu->sgi_sources[sgi] |= (uint8_t)BIT32(from);
    else if (!(bank->group1 & bit))
        return 0; /* ICC_SGI1R_EL1 makes no group 0 interrupts */
    bank->latch |= bit;
    if (cpu->number == from && (bank->cached & bit) && vgic_repeat(vgic, cpu, bank->lr[sgi]))
        return 0;
    return vgic_update(vgic, cpu, 0, bit);
}

/* The sender is not to be kicked: it is on its way to its next entry. */
static inline vcpu_mask_t send(struct vgic *vgic, vcpu_mask_t targets, unsigned from, unsigned sgi)
{
    vcpu_mask_t kick = 0;

    targets &= ~0ul >> (64 - vgic->nr_cpus);
    for (; targets; targets &= targets - 1)
        kick |= pend(vgic, vgic->cpu[__builtin_ctzl(targets)], from, sgi);
    return kick & ~BIT(from);
}

/* ICC_SGI1R_EL1: Aff3 55:48, RS 47:44, IRM 40, Aff2 39:32, INTID 27:24, Aff1 23:16, list 15:0. */
vcpu_mask_t vgic_write_sgi1r(struct vgic *vgic, unsigned vcpu, uint64_t value)
{
    uint64_t aff1 = FIELD(value, 23, 16);
    vcpu_mask_t targets, kick;

    if (value & BIT(40))
        targets = ~BIT(vcpu);
    else if (!(value & 0x00fff0ff00000000) && aff1 < VGIC_MAX_CPUS / 16)
        targets = (value & 0xffff) << (16 * aff1); /* see vcpu_mpidr */
    else
        return 0;
    spin_lock(&vgic->lock);
    kick = send(vgic, targets, vcpu, (unsigned)FIELD(value, 27, 24));
    spin_unlock(&vgic->lock);
    return kick;
}

/* GICD_SGIR: TargetListFilter 25:24, CPUTargetList 23:16, SGIINTID 3:0. */
VGIC_WRITER(vgic_write_sgir)
{
    uint64_t value = access->value;
    vcpu_mask_t self = BIT(access->vcpu);
    vcpu_mask_t targets[4] = {FIELD(value, 23, 16), ~self, self, 0};

    if (vgic->version == 2)
        access->kick |= send(vgic, targets[FIELD(value, 25, 24)], access->vcpu, value & 15);
}

/* GICD_CPENDSGIRn and SPENDSGIRn: one byte per SGI, one bit per sender. */
VGIC_READER(vgic_read_sgi_pending)
{
    uint64_t value = 0;

    if (vgic->version != 2)
        return 0;
    access->kick |= vgic_fold_local(vgic, banked, banked, 0, 0xffff);
    for (unsigned i = 0; i < access->size; i++)
        value |= (uint64_t)banked->sgi_sources[(offset + i) % 16] << (8 * i);
    return value;
}

static void change_sources(struct vgic *vgic, struct vgic_cpu *self, struct mmio_access *access,
                           unsigned offset, bool set)
{
    uint32_t bits = 0;

    if (vgic->version != 2)
        return;
    access->kick |= vgic_fold_local(vgic, self, self, 0, 0xffff);
    for (unsigned i = 0; i < access->size; i++) {
        unsigned sgi = (offset + i) % 16;
        uint8_t change =
            (uint8_t)(access->value >> (8 * i)) & (uint8_t)(0xff >> (8 - vgic->nr_cpus));
        uint8_t *sources = &self->sgi_sources[sgi];

        *sources = (uint8_t)(set ? *sources | change : *sources & ~change);
        bits |= BIT32(sgi);
        self->private.latch &= ~BIT32(sgi);
        self->private.latch |= *sources ? BIT32(sgi) : 0;
    }
    access->kick |= vgic_update(vgic, self, 0, bits);
}

VGIC_WRITER(vgic_write_sgi_set)
{
    change_sources(vgic, banked, access, offset, true);
}

VGIC_WRITER(vgic_write_sgi_clear)
{
    change_sources(vgic, banked, access, offset, false);
}
