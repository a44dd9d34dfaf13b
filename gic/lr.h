/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers: one structure for both GIC versions, and its two encodings (GICH_LRn, IHI 0048
 * 5.3.9; ICH_LR<n>_EL2, IHI 0069 12.4.3). Pure functions. May include platform/types.h.
 */
#ifndef GIC_LR_H
#define GIC_LR_H

#include "platform/types.h"

#define LR_MAX 16 /* list registers used, even where there are more */

#define LR_PENDING 1u
#define LR_ACTIVE  2u

/* All zero is an empty list register. */
struct lr {
    uint16_t intid;   /* virtual INTID; with hw also the physical one */
    uint8_t priority; /* multiple of 8 */
    uint8_t source;   /* GICv2 SGI: the sending CPU, 0..7 */
    uint8_t state;    /* LR_PENDING | LR_ACTIVE */
    bool hw;          /* the guest's deactivation deactivates the physical interrupt too */
    bool group1;
    bool eoi; /* maintenance interrupt when the guest deactivates; never together with hw */
};

/* Registers of a virtual CPU interface: GICH_VMCR, GICH_APR (apr[0][0] alone); ICH_VMCR_EL2, ... */
struct gic_interface {
    uint32_t vmcr;
    uint32_t apr[2][4]; /* active priorities of group 0 and 1 */
};

uint64_t lr_encode_v2(const struct lr *lr);
uint64_t lr_encode_v3(const struct lr *lr);

/* The state of an encoded list register. */
static inline uint32_t lr_state_v2(uint64_t value)
{
    return (uint32_t)FIELD(value, 29, 28);
}

static inline uint32_t lr_state_v3(uint64_t value)
{
    return (uint32_t)(value >> 62);
}

#endif
