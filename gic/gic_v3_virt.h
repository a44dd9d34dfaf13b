/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3, virtual CPU interface: the rows of the table of operations that use ICH_* registers. For
 * gic_v3.c alone. May include gic/lr.h.
 */
#ifndef GIC_GIC_V3_VIRT_H
#define GIC_GIC_V3_VIRT_H

#include "gic/lr.h"
#include "platform/types.h"

/* Boot CPU: reads ICH_VTR_EL2, sets gic_info.nr_lrs. Each CPU: empties the interface. */
void gic_v3_virt_probe(void);
void gic_v3_virt_init_cpu(void);

/* See struct gic_ops. */
void gic_v3_lr_write(unsigned n, uint64_t encoded);
bool gic_v3_lr_refill(unsigned n, uint64_t encoded);
uint32_t gic_v3_lr_state(unsigned n);
uint32_t gic_v3_lr_empty(void);
uint32_t gic_v3_lr_ended(void);
uint32_t gic_v3_hcr_read(void);
void gic_v3_hcr_write(uint32_t hcr);
void gic_v3_save(struct gic_interface *to);
void gic_v3_load(const struct gic_interface *from);
uint32_t gic_v3_threshold(const struct gic_interface *saved);

#endif
