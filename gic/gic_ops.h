/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between GICv2 and GICv3 in the virtual CPU interface, as a table of operations, and
 * the few things that are done to physical interrupts on behalf of a virtual GIC. For gic/ and
 * core/trace.c. May include platform, gic.
 */
#ifndef GIC_GIC_OPS_H
#define GIC_GIC_OPS_H

#include "gic/gic.h"
#include "gic/lr.h"
#include "platform/types.h"

/* Virtual CPU interface of the calling CPU; n is below gic_info.nr_lrs. */
struct gic_virt {
    void (*probe)(void); /* boot CPU: sets gic_info.nr_lrs */
    uint64_t (*lr_encode)(const struct lr *lr);
    void (*lr_write)(unsigned n, uint64_t encoded);
    bool (*lr_refill)(unsigned n, uint64_t encoded); /* writes if its state is invalid; tells */
    uint32_t (*lr_state)(unsigned n); /* LR_PENDING | LR_ACTIVE; the rest never changes by itself */
    uint32_t (*lr_empty)(void);       /* ELRSR: neither a valid interrupt nor an unreported EOI */
    uint32_t (*lr_ended)(void);       /* EISR: invalid, with an unreported EOI */
    uint32_t (*hcr_read)(void);
    void (*hcr_write)(uint32_t hcr);
    /* VMCR and active priorities. */
    void (*save)(struct gic_interface *to);
    void (*load)(const struct gic_interface *from);
    /* Only priorities below the result are signalled: priority mask and running priority. */
    uint32_t (*threshold)(const struct gic_interface *saved);
};

extern struct gic_virt gic_virt; /* a copy of the machine's, made by gic_probe */

extern const struct gic_ops gic_v2_ops, gic_v3_ops;
extern const struct gic_virt gic_v2_virt, gic_v3_virt;

/* Register addresses, mapped by gic_probe; those of the other version are NULL. */
struct gic_maps {
    volatile uint8_t *gicd, *gicc, *gich;
    volatile uint8_t *gicr[16];
};
extern struct gic_maps gic_maps;

/*
 * One bank of 32 physical interrupts; SPIs by any CPU, bank 0 is the calling CPU's own. Writes of
 * GICD_ISENABLER, ICENABLER, ISPENDR, ICPENDR take effect in order but are not waited for;
 * gic_bank_set_active has happened on return.
 */
void gic_bank_write(unsigned reg, unsigned bank, uint32_t bits);
uint32_t gic_bank_pending(unsigned bank);
void gic_bank_set_active(unsigned bank, uint32_t bits);

/* Boot: bank of a frame disabled, neither pending nor active, one priority, GICv3: group 1. */
void gic_bank_reset(volatile uint8_t *frame, unsigned bank);

#endif
