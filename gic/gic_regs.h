/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register offsets and fields of GICv2 (IHI 0048) and GICv3 (IHI 0069): used by the drivers of the
 * physical GIC and by the virtual one. Constants only.
 */
#ifndef GIC_GIC_REGS_H
#define GIC_GIC_REGS_H

/* Distributor; from IGROUPR to ICFGR also the redistributor's SGI frame. */
#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IIDR       0x0008
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_ISACTIVER  0x0300
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR  0x0800
#define GICD_ICFGR      0x0c00
#define GICD_SGIR       0x0f00
#define GICD_CPENDSGIR  0x0f10
#define GICD_SPENDSGIR  0x0f20
#define GICD_PIDR2_V2   0x0fe8
#define GICD_IROUTER    0x6000
#define GICD_PIDR2_V3   0xffe8

#define GICD_CTLR_GROUP0 (1u << 0)
#define GICD_CTLR_GROUP1 (1u << 1)
#define GICD_CTLR_ARE    (1u << 4)
#define GICD_CTLR_DS     (1u << 6)
#define GICD_CTLR_RWP    (1u << 31)
#define GICD_IROUTER_IRM (1ul << 31)

/* Redistributor, RD frame; its SGI frame is GICR_SGI further. */
#define GICR_CTLR   0x0000
#define GICR_IIDR   0x0004
#define GICR_TYPER  0x0008
#define GICR_WAKER  0x0014
#define GICR_PIDR2  0xffe8
#define GICR_SGI    0x10000
#define GICR_FRAMES 0x20000 /* RD and SGI frame */

#define GICR_CTLR_RWP     (1u << 3)
#define GICR_TYPER_VLPIS  (1u << 1)
#define GICR_TYPER_LAST   (1u << 4)
#define GICR_WAKER_SLEEP  (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)

/* Hypervisor control: GICH_HCR and ICH_HCR_EL2 agree on these. */
#define HCR_EN            (1u << 0)
#define HCR_LRENPIE       (1u << 2) /* the guest deactivated what is in no list register */
#define HCR_NPIE          (1u << 3) /* no list register is pending */
#define HCR_EOICOUNT(hcr) (((hcr) >> 27) & 0x1f)

/* Virtual machine control: GICH_VMCR and ICH_VMCR_EL2 agree on these. */
#define VMCR_GROUP0 (1u << 0)
#define VMCR_GROUP1 (1u << 1)

#endif
