/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the virtual GIC share: banks, the oracle, list registers, the row of a
 * register. Everything here is called with vgic.lock held unless it says otherwise; functions that
 * change the model return the vCPUs to be kicked. For gic/vgic*.c alone. May include platform, mm,
 * gic.
 */
#ifndef GIC_VGIC_INTERNAL_H
#define GIC_VGIC_INTERNAL_H

#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "gic/vgic.h"
#include "gic/vgic_model.h"
#include "platform/cpu.h"
#include "platform/string.h"

/* The bank of INTIDs 32 b..32 b + 31; cpu names whose private ones and matters for b = 0 alone. */
static inline struct vgic_bank *vgic_bank(const struct vgic *vgic, struct vgic_cpu *cpu, unsigned b)
{
    return b ? &vgic->spi[b - 1].bank : &cpu->private;
}

static inline struct vgic_spi_bank *vgic_spi(const struct vgic *vgic, unsigned b)
{
    return &vgic->spi[b - 1];
}

/* The vCPU whose ready set or list register has interrupt i of the bank. */
static inline struct vgic_cpu *vgic_holder(const struct vgic *vgic, struct vgic_cpu *cpu,
                                           unsigned b, unsigned i)
{
    return b ? vgic->cpu[vgic_spi(vgic, b)->holder[i]] : cpu;
}

/* Bits of a bank that are INTIDs of this vGIC: all but for INTIDs 1020..1023. */
static inline uint32_t vgic_valid(const struct vgic *vgic, unsigned b)
{
    return b == VGIC_MAX_IRQS / 32 && vgic->nr_irqs == VGIC_MAX_IRQS ? 0x0fffffff : 0xffffffff;
}

static inline bool vgic_is_sgi_v2(const struct vgic *vgic, unsigned intid)
{
    return intid < 16 && vgic->version == 2;
}

/* List registers of the vCPU are those of the calling CPU. */
static inline bool vgic_is_here(const struct vgic_cpu *cpu)
{
    return cpu->loaded && cpu->pcpu == cpu_id();
}

static inline uint32_t vgic_pending(const struct vgic_bank *bank)
{
    return bank->latch | (bank->line & ~bank->edge);
}

/* Enabled, by group too: what the distributor forwards when it is pending. */
static inline uint32_t vgic_enabled(const struct vgic *vgic, const struct vgic_bank *bank)
{
    uint32_t groups = (vgic->groups & GICD_CTLR_GROUP0 ? ~bank->group1 : 0) |
                      (vgic->groups & GICD_CTLR_GROUP1 ? bank->group1 : 0);

    return bank->enabled & groups;
}

static inline uint32_t vgic_forwarded(const struct vgic *vgic, const struct vgic_bank *bank)
{
    return vgic_pending(bank) & vgic_enabled(vgic, bank);
}

/*
 * The oracle (vgic.c): `bits` of bank b changed. Brings up to date who gets them: ready sets, stale
 * list registers, physical interrupts nobody holds any more. Constant time plus the bits changed.
 */
vcpu_mask_t vgic_update(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits);

/* Everything may have changed hands (group enables). Bounded by the number of banks and changes. */
vcpu_mask_t vgic_update_all(struct vgic *vgic);

/* SPIs `bits` are inactive or their route changed: those waiting for a list register move along. */
vcpu_mask_t vgic_move(struct vgic *vgic, unsigned b, uint32_t bits);

/* Asks the vCPUs that have `bits` in list registers to fold them: returns who must be kicked. */
vcpu_mask_t vgic_mark_stale(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits);

/*
 * Priority, group or route of `bits` changed: what list registers hold of them may not be written
 * again, and those that are ready compete anew.
 */
vcpu_mask_t vgic_recompose(struct vgic *vgic, struct vgic_cpu *cpu, unsigned b, uint32_t bits);

/* Takes interrupts out of the ready set of their vCPU. */
void vgic_unready(struct vgic_cpu *cpu, struct vgic_bank *bank, unsigned b, uint32_t bits);

/* Folds what the list registers of `self`, loaded on this CPU, hold of the bits of bank b
 * (vgic_lr.c). */
vcpu_mask_t vgic_fold_local(struct vgic *vgic, struct vgic_cpu *self, struct vgic_cpu *owner,
                            unsigned b, uint32_t bits);

/*
 * List register n holds an interrupt that was pending by a latch alone when it was placed, and
 * whatever has become of it since was the guest's doing: a change of the model makes it stale.
 */
static inline bool vgic_is_as_placed(const struct vgic_cpu *cpu, unsigned n)
{
    return cpu->lr_again & ~cpu->lr_stale & BIT32(n);
}

/*
 * The interrupt in list register n of `cpu`, loaded on this CPU, is pending again: if the guest has
 * emptied it and nothing else has changed, writes the same once more. False: nothing was done. Not
 * for SGIs of GICv2.
 */
static inline bool vgic_repeat_at_once(struct vgic_cpu *cpu, unsigned n)
{
    if (!vgic_is_as_placed(cpu, n) || cpu->lr[n].hw || !gic_virt.lr_refill(n, cpu->lr_raw[n]))
        return false;
    cpu->injected++;
    return true;
}

/* The same for the physical interrupt whose deactivation by the guest emptied list register n. */
bool vgic_repeat_hw(struct vgic_cpu *cpu, unsigned n);

/* Folds list registers of `cpu`: loaded on this CPU, what the hardware says; on any CPU, those of
 * `lrs` that are used and known to have become invalid. */
vcpu_mask_t vgic_fold_lrs(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs);
vcpu_mask_t vgic_fold_invalid(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t lrs);

/* Moves a ready interrupt into the free list register n. */
void vgic_place(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid, unsigned n);

/* Fills free list registers, those in need of a rewrite first. False: ready interrupts are left. */
bool vgic_fill(struct vgic *vgic, struct vgic_cpu *cpu);

/* There are more than fit: the best of all get in (vgic_spill.c). */
vcpu_mask_t vgic_spill(struct vgic *vgic, struct vgic_cpu *cpu);
vcpu_mask_t vgic_fold_eoi_count(struct vgic *vgic, struct vgic_cpu *cpu);

/* Empties lr_scrub's list registers, deactivates `release`'s private physical interrupts. */
void vgic_scrub(struct vgic_cpu *cpu);

/* Writes the hypervisor control register if it changes. */
void vgic_write_hcr(struct vgic_cpu *cpu, uint32_t hcr);

/* Hardware interrupts (vgic_hw.c); the domain has hardware SPIs, b > 0. */
void vgic_hw_enable(struct vgic *vgic, unsigned b, uint32_t bits);
void vgic_hw_set_edge(struct vgic *vgic, unsigned b, uint32_t bits);
void vgic_hw_route(struct vgic *vgic, unsigned b, unsigned i);
/* `bits` of b (any) are physically active for no reason left: deactivates them. */
vcpu_mask_t vgic_hw_release(struct vgic_bank *bank, struct vgic_cpu *cpu, unsigned b,
                            uint32_t bits);
/* `bits` of b > 0 are pending by a physical interrupt but disabled: pending is the hardware's
 * again. */
void vgic_hw_give_back(struct vgic_bank *bank, unsigned b, uint32_t bits);

#define VGIC_ROW_PARAMETERS                                                                        \
    UNUSED struct vgic *vgic, UNUSED struct vgic_cpu *banked, UNUSED struct vgic_bank *bank,       \
        UNUSED unsigned b, UNUSED unsigned offset, UNUSED struct mmio_access *access
#define VGIC_READER(name) uint64_t name(VGIC_ROW_PARAMETERS)
#define VGIC_WRITER(name) void name(VGIC_ROW_PARAMETERS)

/* An access to a register of a byte an interrupt: those of `bytes` from the accessed one on. */
static inline uint64_t vgic_read_bytes(const uint8_t *bytes, const struct mmio_access *access)
{
    uint64_t value = 0;

    memcpy(&value, bytes, access->size);
    return value;
}

/*
 * A block of registers. Offsets are from its first byte. `banked` is the vCPU whose private
 * interrupts are seen, NULL if none are; `bank` number b is the one the access is in, if the block
 * exists per interrupt. access->size and access->value say how much and what.
 */
struct vgic_row {
    uint16_t first;
    uint32_t sizes;  /* access sizes it takes, added up; others read as zero and ignore writes */
    uint8_t private; /* bytes of it in a redistributor's SGI frame; 0: not there */
    uint8_t shift;   /* a bank has 1 << shift bytes of it; 0: does not exist per interrupt */
    VGIC_READER((*read)); /* called without the lock */
    VGIC_WRITER((*write));
} __attribute__((aligned(32))); /* cheap to index */

/* The row of a distributor's register at an offset beyond its first 4 KiB. */
const struct vgic_row *vgic_upper_row(const struct vgic *vgic, unsigned offset);

/* A register of the redistributor's SGI frame. */
enum mmio_result vgic_sgi_frame_access(struct vgic_cpu *cpu, struct mmio_access *access);

/* Functions of rows, in vgic_gicd.c and vgic_sgi.c. */
VGIC_WRITER(vgic_write_ignored);
VGIC_WRITER(vgic_write_ctlr);
VGIC_READER(vgic_read_targets);
VGIC_WRITER(vgic_write_targets);
VGIC_WRITER(vgic_write_sgir);
VGIC_READER(vgic_read_sgi_pending);
VGIC_WRITER(vgic_write_sgi_pending);

#define VGIC_IIDR 0x5400043bu /* product 'T', implementer Arm (the architecture's) */

#endif
