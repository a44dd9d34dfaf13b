/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPU switch: the virtual CPU interface and list registers go into the model and come back; and
 * what the interface would signal, for a vCPU that wants to sleep. May include platform, mm, gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"

void vgic_write_hcr(struct vgic_cpu *cpu, uint32_t hcr)
{
    if (cpu->hcr == hcr)
        return;
    cpu->hcr = hcr;
    gic_virt.hcr_write(hcr);
}

/*
 * Everything that the list registers hold is the model's again. Private interrupts that are
 * physically active for this vCPU must not be so for the next one; they keep their `hw` mark, and
 * load makes them active again.
 */
static __attribute__((noinline)) vcpu_mask_t empty(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    if (cpu->hcr & HCR_LRENPIE)
        kick |= vgic_fold_eoi_count(vgic, cpu);
    if (cpu->lr_used) {
        kick |= vgic_fold_invalid(vgic, cpu, gic_virt.lr_empty());
        kick |= vgic_fold_lrs(vgic, cpu, cpu->lr_used);
    }
    vgic_write_hcr(cpu, HCR_EN);
    cpu->release |= cpu->private.hw;
    vgic_scrub(cpu);
    return kick;
}

vcpu_mask_t vgic_save(struct vgic *vgic, struct vgic_cpu *cpu)
{
    vcpu_mask_t kick = 0;

    spin_lock(&vgic->lock);
    assert(cpu->loaded);
    if (cpu->release | cpu->private.hw | cpu->lr_used | cpu->lr_scrub | (cpu->hcr ^ HCR_EN))
        kick = empty(vgic, cpu) & ~BIT(cpu->number);
    gic_virt.save(&cpu->interface);
    cpu->loaded = false;
    spin_unlock(&vgic->lock);
    return kick;
}

void vgic_load(struct vgic *vgic, struct vgic_cpu *cpu)
{
    spin_lock(&vgic->lock);
    assert(!cpu->loaded && !cpu->lr_used);
    cpu->loaded = true;
    gic_virt.load(&cpu->interface);
    if (cpu->private.hw)
        gic_bank_set_active(0, cpu->private.hw);
    if (cpu->ready_banks)
        __atomic_store_n(&cpu->dirty, true, __ATOMIC_RELEASE);
    spin_unlock(&vgic->lock);
}

/* Whether a list register or a ready interrupt would be signalled at priorities below `threshold`.
 */
static bool signalled_lr(const struct vgic_cpu *cpu, uint32_t lrs, uint32_t vmcr,
                         uint32_t threshold)
{
    for_each_bit(n, lrs) {
        const struct lr *lr = &cpu->lr[n];

        if (lr->priority < threshold && (vmcr & (lr->group1 ? VMCR_GROUP1 : VMCR_GROUP0)) &&
            gic_virt.lr_state(n) == LR_PENDING)
            return true;
    }
    return false;
}

static bool signalled_ready(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t vmcr,
                            uint32_t threshold)
{
    for_each_bit(b, cpu->ready_banks) {
        struct vgic_bank *bank = vgic_bank(vgic, cpu, b);
        uint32_t groups =
            (vmcr & VMCR_GROUP0 ? ~bank->group1 : 0) | (vmcr & VMCR_GROUP1 ? bank->group1 : 0);

        for_each_bit(i, cpu->ready[b] & ~bank->active & groups)
            if (bank->priority[i] < threshold)
                return true;
    }
    return false;
}

bool vgic_has_deliverable(struct vgic *vgic, struct vgic_cpu *cpu)
{
    bool yes = false;

    spin_lock(&vgic->lock);
    uint32_t lrs = cpu->lr_used ? cpu->lr_used & ~gic_virt.lr_empty() : 0;
    if (cpu->ready_banks | lrs) {
        if (cpu->loaded)
            gic_virt.save(&cpu->interface);
        uint32_t vmcr = cpu->interface.vmcr, threshold = gic_virt.threshold(&cpu->interface);
        yes =
            signalled_ready(vgic, cpu, vmcr, threshold) || signalled_lr(cpu, lrs, vmcr, threshold);
    }
    spin_unlock(&vgic->lock);
    return yes;
}
