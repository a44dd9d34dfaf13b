/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical GIC, GICv2 or GICv3, behind one small table of operations. May include platform and
 * mm.
 */
#ifndef GIC_GIC_H
#define GIC_GIC_H

#include "platform/types.h"

/* SGIs that Tarn's CPUs send each other (0..7; 8..15 belong to EL3). */
#define SGI_KICK   0 /* look at your run queue and hazard word */
#define SGI_PANIC  1 /* stop */
#define SGI_POST   2 /* take what was posted, and look at your vCPU's vGIC */
#define SGI_UPCALL 3 /* an upcall for dom0's vCPU there */

#define GIC_INTID_SPURIOUS 1020 /* and above: nothing to do */

/* Addresses read from the device tree by gic_probe (boot); sizes in bytes. */
struct gic_info {
    unsigned version; /* 2 or 3 */
    struct pa_range gicd;
    struct pa_range gicc, gich, gicv; /* GICv2 */
    struct pa_range gicr[16];         /* GICv3: regions, not necessarily contiguous */
    unsigned gicr_count;
    uint64_t gicr_stride; /* 0: as the architecture says */
    uint32_t maintenance_intid;
    unsigned nr_irqs; /* INTIDs implemented, at most 1020 */
    unsigned nr_lrs;  /* list registers implemented */
    /*
     * The emulation of GICv2 by QEMU (7.2 to 9.2 at least, gic_complete_irq in hw/intc/arm_gic.c):
     * when a guest ends a hardware interrupt whose line has risen again meanwhile, it is not
     * signalled anew until something else makes the GIC look, such as gic_ops.ack or gic_remind. So
     * nobody may run, or sleep in a guest, for long without one of them.
     */
    bool forgets;
};
extern struct gic_info gic_info;

/*
 * Finds and resets the GIC described by the flattened device tree (validated before): all
 * interrupts disabled, SPIs routed to CPU 0, group 1. Returns NULL, or a sentence that says what is
 * wrong. Boot CPU; maps the registers.
 */
const char *gic_probe(const void *fdt);

/* What the two versions do each in its own way. */
struct gic_ops {
    /*
     * Acknowledges and drops the priority; the interrupt stays active until deactivated. The INTID
     * (SGI source bits removed), GIC_INTID_SPURIOUS.. when none.
     */
    uint32_t (*ack)(void);
    void (*deactivate)(uint32_t intid);
    /* Sends a physical SGI to one CPU. Makes prior stores visible to it first. */
    void (*send_sgi)(unsigned cpu, uint32_t sgi);

    /* The rest is for gic/ alone. reset: boot CPU, registers mapped; NULL or a complaint. */
    const char *(*reset)(void);
    void (*init_cpu)(void); /* CPU interface with EOImode 1, EL2's SGIs */
    /* The register frame that holds the banks of this INTID: distributor, or own redistributor. */
    volatile uint8_t *(*frame)(uint32_t intid);
    /* Sends an SPI to one CPU. */
    void (*route)(uint32_t intid, unsigned cpu);
};
extern struct gic_ops gic_ops; /* a copy of the machine's, made by gic_probe */

/* Each CPU, first thing after its MMU is on: its interface, physical and virtual, and its SGIs. */
void gic_init_cpu(void);

/* Enables a private interrupt of the calling CPU (EL2 timer, maintenance, virtual timer). */
void gic_enable_ppi(uint32_t intid);

/* Before a CPU sleeps: what the GIC has forgotten is signalled. */
static inline void gic_remind(void)
{
    if (gic_info.forgets)
        gic_enable_ppi(gic_info.maintenance_intid);
}

#endif
