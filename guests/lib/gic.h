/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt controller as a guest sees it, GICv2 (Arm IHI 0048) or GICv3 (IHI 0069): thin names
 * for registers, and a log of what was taken. May include platform, guests/abi.
 */
#ifndef PAYLOAD_GIC_H
#define PAYLOAD_GIC_H

#include "guests/abi/domu.h"
#include "platform/types.h"

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
#define GICD_IROUTER    0x6000

#define PRIORITY_DEFAULT 0xa0
#define SPURIOUS         1023u

unsigned gic_version(void);

/* Distributor, once: all SPIs disabled, edge, to CPU 0. CPU interface and private ones, each CPU.
 */
void gic_init(void);
void gic_init_cpu(void);

/* Address of a distributor register (for private interrupts on GICv3: this CPU's redistributor). */
char *gic_frame(uint32_t intid);

/* Bitmap registers: `set` is one of GICD_I[SC]{ENABLE,PEND,ACTIVE}R. */
void gic_set(unsigned set, uint32_t intid);
bool gic_get(unsigned set, uint32_t intid);

void gic_priority(uint32_t intid, uint8_t priority);
void gic_edge(uint32_t intid, bool edge);
void gic_route(uint32_t intid, unsigned cpu);

/* To the CPUs of a bit mask. Others: GICv2's and GICv3's "all but self". */
void gic_sgi(uint32_t sgi, unsigned mask);
void gic_sgi_others(uint32_t sgi);

/* CPU interface of the calling CPU. */
void gic_mask(uint8_t pmr);
void gic_group_enable(bool on);
void gic_eoi_mode(bool split);
uint32_t gic_running(void); /* running priority */
uint32_t gic_highest_pending(void);
uint32_t gic_ack(void); /* IAR */
void gic_eoi(uint32_t iar);
void gic_deactivate(uint32_t iar);

/* What the calling CPU's interrupt handler took, in order. */
#define IRQ_LOG 128
struct irq_log {
    unsigned count; /* taken since irq_reset; the first IRQ_LOG are kept */
    uint32_t iar[IRQ_LOG];
};
extern struct irq_log irq_log[];

/*
 * Called for each interrupt between acknowledge and end, on the CPU that took it; the handler ends
 * it afterwards unless this returns false. NULL: nothing to do.
 */
typedef bool (*irq_hook_t)(uint32_t iar);
extern irq_hook_t irq_hook;

/* Empties the log of all CPUs and sets the hook. */
void irq_reset(irq_hook_t hook);

/* How often a CPU took an INTID. */
unsigned irq_taken(unsigned cpu, uint32_t intid);

void gic_interrupt(void);

/* Version-specific part: the CPU interface, SGIs and routing. */
struct gic_ops {
    void (*init)(void);
    void (*init_cpu)(void);
    void (*route)(uint32_t intid, unsigned cpu);
    void (*sgi)(uint32_t sgi, unsigned mask);
    void (*sgi_others)(uint32_t sgi);
    void (*mask)(uint8_t pmr);
    void (*group_enable)(bool on);
    void (*eoi_mode)(bool split);
    uint32_t (*running)(void);
    uint32_t (*highest_pending)(void);
    uint32_t (*ack)(void);
    void (*eoi)(uint32_t iar);
    void (*deactivate)(uint32_t iar);
};
extern const struct gic_ops gic_v2_ops, gic_v3_ops;

/* GICv3: this CPU's SGI_base frame. */
char *gic_v3_private_frame(void);

#endif
