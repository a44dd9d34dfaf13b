/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software-generated interrupts: ICC_SGI1R_EL1 on GICv3, GICD_SGIR and the per-sender pending bits
 * on GICv2, where an SGI from two CPUs is two interrupts. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"

static vcpu_mask_t all_cpus(const struct vgic *vgic)
{
    return ~0ul >> (64 - vgic->nr_cpus);
}

vcpu_mask_t vgic_send_sgi(struct vgic *vgic, vcpu_mask_t targets, unsigned from, unsigned sgi)
{
    vcpu_mask_t kick = 0;

    for (; targets; targets &= targets - 1) {
        struct vgic_cpu *cpu = vgic->cpu[__builtin_ctzl(targets)];

        if (vgic->version == 2)
            cpu->sgi_sources[sgi] |= (uint8_t)BIT32(from);
        else if (!(cpu->private.group1 & BIT32(sgi)))
            continue; /* ICC_SGI1R_EL1 makes no group 0 interrupts */
        cpu->private.latch |= BIT32(sgi);
        if (cpu->number == from && (cpu->private.cached & BIT32(sgi)) &&
            vgic_repeat(vgic, cpu, cpu->private.lr[sgi]))
            continue;
        kick |= vgic_update(vgic, cpu, 0, BIT32(sgi));
    }
    return kick & ~BIT(from); /* the sender is on its way to its next entry */
}

/* ICC_SGI1R_EL1: Aff3 55:48, RS 47:44, IRM 40, Aff2 39:32, INTID 27:24, Aff1 23:16, list 15:0. */
vcpu_mask_t vgic_write_sgi1r(struct vgic *vgic, unsigned vcpu, uint64_t value)
{
    uint64_t aff1 = FIELD(value, 23, 16);
    vcpu_mask_t targets = 0, kick;

    if (value & BIT(40))
        targets = ~BIT(vcpu);
    else if (!FIELD(value, 55, 44) && !FIELD(value, 39, 32) && aff1 < VGIC_MAX_CPUS / 16)
        targets = (value & 0xffff) << (16 * aff1); /* see vcpu_mpidr */
    targets &= all_cpus(vgic);
    if (!targets)
        return 0;
    spin_lock(&vgic->lock);
    kick = vgic_send_sgi(vgic, targets, vcpu, (unsigned)FIELD(value, 27, 24));
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
        access->kick |= vgic_send_sgi(vgic, targets[FIELD(value, 25, 24)] & all_cpus(vgic),
                                      access->vcpu, value & 15);
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
        uint8_t change = (uint8_t)(access->value >> (8 * i) & all_cpus(vgic));
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
