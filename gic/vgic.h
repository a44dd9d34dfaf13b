/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC of one domain: a model of distributor, redistributors and CPU interface (Arm IHI
 * 0048 for GICv2, IHI 0069 for GICv3), which is the truth, and the list registers, which are a
 * cache of it. Public interface for core. One lock per vGIC; every call here takes it unless it
 * says otherwise. Functions return the mask of vCPUs that have something new to take (to be kicked
 * or woken). May include platform, mm, gic.
 */
#ifndef GIC_VGIC_H
#define GIC_VGIC_H

#include "gic/vgic_model.h"
#include "mm/trap_mmio.h"
#include "platform/types.h"

/*
 * MPIDR_EL1 affinity of vCPU n, for VMPIDR_EL2 (bit 31 is to be added) and device trees: sixteen to
 * a cluster, so that one write of ICC_SGI1R_EL1 reaches all of them.
 */
static inline uint64_t vcpu_mpidr(unsigned n)
{
    return (n % 16) | (uint64_t)(n / 16) << 8;
}

/* The reverse: number of the vCPU with this affinity, which a domain need not have so many of. */
static inline unsigned vcpu_of_mpidr(uint64_t mpidr)
{
    unsigned n = (unsigned)(FIELD(mpidr, 15, 8) * 16 + FIELD(mpidr, 7, 0));

    return mpidr == vcpu_mpidr(n) ? n : UINT32_MAX;
}

/*
 * Sets the reset state of a vGIC that is zero but for what its owner says in the first fields of
 * struct vgic, which are asserted to be in their bounds.
 */
void vgic_init(struct vgic *vgic);

/* Puts a dying domain's hardware interrupts to rest: disabled, inactive, not pending. */
void vgic_destroy(struct vgic *vgic);

/* Resets one vCPU's private interrupts and CPU interface (PSCI CPU_ON, before it runs). Not loaded.
 */
void vgic_reset_cpu(struct vgic *vgic, unsigned vcpu);

/* The vCPU that an SPI is routed to; any, if to none. Without the lock: a hint. */
unsigned vgic_target(const struct vgic *vgic, uint32_t intid);

/* Makes an edge-triggered interrupt pending (vcpu matters for INTIDs below 32 only). */
vcpu_mask_t vgic_set_pending(struct vgic *vgic, unsigned vcpu, uint32_t intid);

/* Sets the line of a level-triggered interrupt. */
vcpu_mask_t vgic_set_level(struct vgic *vgic, unsigned vcpu, uint32_t intid, bool level);

/*
 * A physical interrupt that the calling CPU has acknowledged and priority-dropped becomes pending
 * with the same INTID; the guest's deactivation deactivates the physical one. For PPIs (the virtual
 * timer) vcpu is the one loaded on this CPU.
 */
vcpu_mask_t vgic_set_pending_hw(struct vgic *vgic, unsigned vcpu, uint32_t intid);

/*
 * A write of ICC_SGI1R_EL1 (GICv3; ICC_ASGI1R and ICC_SGI0R are refused by the caller) by vcpu,
 * loaded on the calling CPU. The result never names vcpu: it is on its way to its next entry.
 */
vcpu_mask_t vgic_write_sgi1r(struct vgic *vgic, unsigned vcpu, uint64_t value);

/* Trapped accesses: the handler for mmio_table_add; device is the struct vgic. */
mmio_handler_t vgic_gicd_access(const struct vgic *vgic);
/* device is the struct vgic_cpu whose 128 KiB frame (RD_base, SGI_base) is accessed. */
enum mmio_result vgic_gicr_access(void *vgic_cpu, struct mmio_access *access);

/*
 * True when the vCPU's next entry has work for vgic_flush. No lock; the caller re-checks after
 * kicks.
 */
static inline bool vgic_needs_flush(const struct vgic_cpu *cpu)
{
    return __atomic_load_n(&cpu->dirty, __ATOMIC_ACQUIRE);
}

/*
 * Before guest entry, vCPU loaded on the calling CPU: brings list registers up to date with the
 * model. Returns others to be kicked: an interrupt taken back may by now be routed to another vCPU.
 */
vcpu_mask_t vgic_flush(struct vgic *vgic, struct vgic_cpu *cpu);

/*
 * The maintenance interrupt came (underflow, EOI of a level interrupt): folds and marks dirty.
 * Returns others to be kicked. The interrupt's line stays asserted until vgic_flush.
 */
vcpu_mask_t vgic_maintenance(struct vgic *vgic, struct vgic_cpu *cpu);

/*
 * vCPU switch on the calling CPU. save: folds the list registers into the model, saves VMCR and
 * active priorities, leaves the list registers empty; physical PPIs that the vCPU holds (virtual
 * timer) are deactivated. load: the reverse; re-activates them; leaves the flush to the next entry.
 * save returns others to be kicked.
 */
vcpu_mask_t vgic_save(struct vgic *vgic, struct vgic_cpu *cpu);
void vgic_load(struct vgic *vgic, struct vgic_cpu *cpu);

/* The vCPU will run on physical CPU pcpu from now on: re-routes its hardware SPIs. Not loaded. */
void vgic_set_pcpu(struct vgic *vgic, struct vgic_cpu *cpu, unsigned pcpu);

/*
 * WFI and PSCI: true if an interrupt is pending, enabled and would be signalled to a vCPU (priority
 * mask and running priority included, group enables included; PSTATE not). Works for a vCPU that is
 * loaded on the calling CPU and for one that is not loaded at all.
 */
bool vgic_has_deliverable(struct vgic *vgic, struct vgic_cpu *cpu);

#endif
