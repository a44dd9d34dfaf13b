/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software-generated interrupts: ICC_SGI1R_EL1 on GICv3, GICD_SGIR and the per-sender pending bits
 * on GICv2, where an SGI from two CPUs is two interrupts. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"

static vcpu_mask_t pend(struct vgic *vgic, struct vgic_cpu *cpu, unsigned sgi)
{
    cpu->private.latch |= BIT32(sgi);
    return vgic_update(vgic, cpu, 0, BIT32(sgi));
}

/*
 * ICC_SGI1R_EL1 makes no group 0 interrupts. `local`: it is the sender, loaded on this CPU, whose
 * list register may be written at once.
 */
static inline vcpu_mask_t pend_v3(struct vgic *vgic, unsigned vcpu, unsigned sgi, bool local)
{
    struct vgic_cpu *cpu = vgic->cpu[vcpu];
    struct vgic_bank *bank = &cpu->private;

    if (!(bank->group1 & BIT32(sgi)) ||
        (local && (bank->cached & BIT32(sgi)) && vgic_repeat_at_once(cpu, bank->lr[sgi])))
        return 0;
    return pend(vgic, cpu, sgi);
}

/* The sender is not to be kicked: it is on its way to its next entry. */
static __attribute__((noinline)) vcpu_mask_t send_v3(struct vgic *vgic, vcpu_mask_t targets,
                                                     unsigned from, unsigned sgi)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    for (targets &= ~0ul >> (64 - vgic->nr_cpus); targets; targets &= targets - 1) {
        unsigned n = (unsigned)__builtin_ctzl(targets);
        kick |= pend_v3(vgic, n, sgi, n == from);
    }
    spin_unlock(&vgic->lock);
    return kick & ~BIT(from);
}

/* ICC_SGI1R_EL1: Aff3 55:48, RS 47:44, IRM 40, Aff2 39:32, INTID 27:24, Aff1 23:16, list 15:0. */
vcpu_mask_t vgic_write_sgi1r(struct vgic *vgic, unsigned vcpu, uint64_t value)
{
    unsigned sgi = (unsigned)FIELD(value, 27, 24);
    vcpu_mask_t targets;

    if (value & BIT(40))
        targets = ~BIT(vcpu);
    else if (!(value & 0x00fff0ff00fc0000))
        targets = (value & 0xffff) << (16 * FIELD(value, 17, 16)); /* see vcpu_mpidr */
    else
        return 0;
    if (targets != BIT(vcpu))
        return send_v3(vgic, targets, vcpu, sgi);
    spin_lock(&vgic->lock);
    (void)pend_v3(vgic, vcpu, sgi, true);
    spin_unlock(&vgic->lock);
    return 0;
}

static vcpu_mask_t send_v2(struct vgic *vgic, vcpu_mask_t targets, unsigned from, unsigned sgi)
{
    vcpu_mask_t kick = 0;

    for (targets &= ~0ul >> (64 - vgic->nr_cpus); targets; targets &= targets - 1) {
        unsigned n = (unsigned)__builtin_ctzl(targets);
        vgic->cpu[n]->sgi_sources[sgi] |= (uint8_t)BIT32(from);
        kick |= pend(vgic, vgic->cpu[n], sgi);
    }
    return kick & ~BIT(from);
}

/* GICD_SGIR: TargetListFilter 25:24, CPUTargetList 23:16, SGIINTID 3:0. */
VGIC_WRITER(vgic_write_sgir)
{
    uint64_t value = access->value;
    vcpu_mask_t self = BIT(access->vcpu);
    vcpu_mask_t targets[4] = {FIELD(value, 23, 16), ~self, self, 0};

    if (vgic->version == 2)
        access->kick |= send_v2(vgic, targets[FIELD(value, 25, 24)], access->vcpu, value & 15);
}

/* GICD_CPENDSGIRn and SPENDSGIRn: one byte per SGI, one bit per sender. */
VGIC_READER(vgic_read_sgi_pending)
{
    if (vgic->version != 2)
        return 0;
    spin_lock(&vgic->lock);
    access->kick |= vgic_fold_local(vgic, banked, banked, 0, 0xffff);
    uint64_t value = vgic_read_bytes(&banked->sgi_sources[offset % 16], access);
    spin_unlock(&vgic->lock);
    return value;
}

VGIC_WRITER(vgic_write_sgi_pending)
{
    bool set = access->offset >= GICD_SPENDSGIR;
    uint32_t bits = 0;

    if (vgic->version != 2)
        return;
    access->kick |= vgic_fold_local(vgic, banked, banked, 0, 0xffff);
    for (unsigned i = 0; i < access->size; i++) {
        unsigned sgi = (offset + i) % 16;
        uint8_t change =
            (uint8_t)(access->value >> (8 * i)) & (uint8_t)(0xff >> (8 - vgic->nr_cpus));
        uint8_t *sources = &banked->sgi_sources[sgi];

        *sources = (uint8_t)(set ? *sources | change : *sources & ~change);
        bits |= BIT32(sgi);
        banked->private.latch &= ~BIT32(sgi);
        banked->private.latch |= *sources ? BIT32(sgi) : 0;
    }
    access->kick |= vgic_update(vgic, banked, 0, bits);
}
