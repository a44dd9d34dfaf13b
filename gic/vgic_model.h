/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of a virtual GIC: plain data that core embeds in its domain (struct vgic) and vCPU (struct
 * vgic_cpu). Everything is guarded by vgic.lock unless it says otherwise, and changed by
 * gic/vgic*.c alone. May include platform and gic/lr.h.
 *
 * Interrupts come in banks of 32, one bit each. The state of an interrupt is split in two while it
 * is `cached`: what the list register holds is the guest CPU's to change; the model holds what came
 * since (a new edge, a changed line). Folding a list register puts the two together again.
 */
#ifndef GIC_VGIC_MODEL_H
#define GIC_VGIC_MODEL_H

#include "gic/lr.h"
#include "platform/spinlock.h"
#include "platform/types.h"

#define VGIC_MAX_CPUS    64
#define VGIC_MAX_CPUS_V2 8
#define VGIC_MAX_IRQS    1020
#define VGIC_MAX_BANKS   32
#define VGIC_NOBODY      0xff /* route to no vCPU */

struct vgic_bank {
    uint32_t enabled;
    uint32_t edge;   /* ICFGR: 1 = edge-triggered */
    uint32_t group1; /* IGROUPR */
    uint32_t latch;  /* pending by an edge, by ISPENDR or by a physical interrupt */
    uint32_t line;   /* input line; makes level-triggered ones pending */
    uint32_t active;
    uint32_t cached; /* in list register lr[] of its vCPU */
    uint32_t hw;     /* the physical interrupt of the same INTID is held active for it */
    /* Guest wrote ICPENDR / ICACTIVER while cached: dropped from what is folded next. */
    uint32_t drop_pending, drop_active;
    uint32_t ready; /* counted in vgic_cpu.ready of its vCPU */
    uint8_t priority[32];
    uint8_t lr[32];
};

/* SPIs: INTIDs 32.. */
struct vgic_spi_bank {
    struct vgic_bank bank;
    uint8_t route[32];   /* vCPU that gets it, or VGIC_NOBODY */
    uint8_t targets[32]; /* GICv2: ITARGETSR; GICv3: 1 = IROUTER.Interrupt_Routing_Mode */
    uint8_t holder[32];  /* vCPU whose ready set or list register has it */
};

struct vgic;

struct vgic_cpu {
    bool dirty;     /* next entry needs vgic_flush; read without the lock */
    bool loaded;    /* list registers of its CPU are its own */
    bool gicr_last; /* GICR_TYPER.Last: core sets it after vgic_init, constant */
    uint8_t number;
    uint8_t pcpu; /* physical CPU it runs on; see vgic_set_pcpu */

    uint16_t lr_used;  /* list registers that may hold an interrupt of this vCPU */
    uint16_t lr_stale; /* of those, the ones to fold at the next flush */
    uint16_t lr_soft;  /* of those, the ones whose pending state was taken out of `latch` */
    uint16_t
        lr_again; /* of those, the ones to be written once more if their interrupt comes again */
    uint16_t lr_scrub; /* not used, but not harmless either: to be rewritten or emptied */
    uint32_t hcr;      /* hypervisor control register as last written; HCR_EN while not loaded */
    uint32_t release;  /* private interrupts to deactivate physically, on its CPU */

    uint32_t ready_banks;           /* bit b: ready[b] is not 0 */
    uint32_t ready[VGIC_MAX_BANKS]; /* want a list register: (pending, enabled) or active */
    struct lr lr[LR_MAX];           /* as last written */
    uint64_t lr_raw[LR_MAX];        /* the same, encoded */

    uint64_t injected; /* statistics: times that a list register was made pending */

    struct vgic *vgic;
    struct vgic_bank private;
    uint8_t sgi_sources[16]; /* GICv2: senders of a pending SGI, one bit each; latch = any */
    uint8_t sgi_active[16];  /* GICv2: sender of an active SGI */

    struct gic_interface interface; /* while not loaded */
};

struct vgic {
    spinlock_t lock;

    /* Its owner's: */
    uint8_t version;           /* 2 or 3; the machine's own */
    uint8_t nr_cpus;           /* 1..8 on GICv2, 1..VGIC_MAX_CPUS on GICv3 */
    bool hardware_spis;        /* dom0: SPIs are the machine's: enable, trigger, route pass to it */
    uint16_t nr_irqs;          /* 32..1020, a multiple of 32 or 1020 */
    struct vgic_spi_bank *spi; /* vgic_spi_bytes(nr_irqs) of memory, zeroed */
    struct vgic_cpu *cpu[VGIC_MAX_CPUS]; /* each of them zeroed */

    uint8_t nr_banks; /* with the private one */
    uint32_t typer;   /* GICD_TYPER */
    uint32_t groups;  /* GICD_CTLR.EnableGrp0, EnableGrp1 */
};

/* Bytes of memory for SPIs. nr_irqs: 32..1020. */
static inline size_t vgic_spi_bytes(unsigned nr_irqs)
{
    return ((nr_irqs + 31) / 32 - 1) * sizeof(struct vgic_spi_bank);
}

#endif
