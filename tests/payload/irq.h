/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interrupt payloads share: numbers that no device uses, waiting, preparing an interrupt.
 * May include guests/lib, platform.
 */
#ifndef PAYLOAD_IRQ_H
#define PAYLOAD_IRQ_H

#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"

#define SPI      96u /* and the ones after it: no device of the machines we run on */
#define SPI_MANY 24u
#define IDLE_SPI 121u
#define PPI      22u
#define SOON     2000000u /* us: an interrupt that is to come has come, however busy the machine */
#define NEVER    3000u    /* us: an interrupt that is not to come would have come */

static inline void start(irq_hook_t hook)
{
    irq_reset(hook);
}

/* Makes an SPI ready for use: edge, enabled, to CPU 0. */
static inline void prepare(uint32_t intid, uint8_t priority)
{
    gic_set(GICD_ICENABLER, intid);
    gic_set(GICD_ICPENDR, intid);
    gic_edge(intid, true);
    gic_priority(intid, priority);
    if (intid >= 32)
        gic_route(intid, 0);
    gic_set(GICD_ISENABLER, intid);
}

static inline void retire(uint32_t intid)
{
    gic_set(GICD_ICENABLER, intid);
    gic_set(GICD_ICPENDR, intid);
}

/*
 * QEMU's GICv2 (7.2) sees that a physical interrupt is to be signalled again, after a guest
 * deactivated it by a list register, at the next access to a physical register only: cause one.
 */
static inline void nudge(void)
{
    gic_set(GICD_ISENABLER, IDLE_SPI);
    gic_set(GICD_ICENABLER, IDLE_SPI);
}

static inline bool comes(unsigned cpu, uint32_t intid)
{
    return WAIT(irq_taken(cpu, intid) > 0, SOON);
}

static inline bool stays_away(unsigned cpu, uint32_t intid)
{
    delay_us(NEVER);
    return irq_taken(cpu, intid) == 0;
}

#endif
