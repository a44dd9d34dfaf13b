/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the GIC that versions 2 and 3 share, and the interrupt handler. May call guests/lib.
 */
#include "guests/lib/gic.h"

#include "guests/lib/payload.h"
#include "platform/mmio.h"

#define INTID_MASK 0x3ffu

struct irq_log irq_log[PAYLOAD_CPUS];
irq_hook_t irq_hook;
static const struct gic_ops *ops;

unsigned gic_version(void)
{
    return FIELD(sysreg_read(id_aa64pfr0_el1), 27, 24) != 0 ? 3 : 2;
}

char *gic_frame(uint32_t intid)
{
    if (intid < 32 && gic_version() == 3)
        return gic_v3_private_frame();
    return (char *)DOMU_GICD_BASE;
}

void gic_set(unsigned set, uint32_t intid)
{
    mmio_write32(gic_frame(intid) + set + intid / 32 * 4, BIT32(intid % 32));
    dsb(sy);
}

bool gic_get(unsigned set, uint32_t intid)
{
    return (mmio_read32(gic_frame(intid) + set + intid / 32 * 4) & BIT32(intid % 32)) != 0;
}

void gic_priority(uint32_t intid, uint8_t priority)
{
    mmio_write8(gic_frame(intid) + GICD_IPRIORITYR + intid, priority);
}

void gic_edge(uint32_t intid, bool edge)
{
    char *where = gic_frame(intid) + GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = BIT32(intid % 16 * 2 + 1);
    uint32_t value = mmio_read32(where);
    mmio_write32(where, edge ? value | bit : value & ~bit);
}

void gic_route(uint32_t intid, unsigned cpu)
{
    ops->route(intid, cpu);
}

/* All SPIs this machine may have are put to rest; more than it has read as zero, ignore writes. */
void gic_init(void)
{
    ops = gic_version() == 3 ? &gic_v3_ops : &gic_v2_ops;
    char *gicd = (char *)DOMU_GICD_BASE;
    uint32_t lines = 32 * ((mmio_read32(gicd + GICD_TYPER) & 31) + 1);
    mmio_write32(gicd + GICD_CTLR, 0);
    for (uint32_t intid = 32; intid < lines && intid < 1020; intid += 32) {
        mmio_write32(gicd + GICD_ICENABLER + intid / 8, UINT32_MAX);
        mmio_write32(gicd + GICD_ICPENDR + intid / 8, UINT32_MAX);
        mmio_write32(gicd + GICD_ICACTIVER + intid / 8, UINT32_MAX);
    }
    for (uint32_t intid = 32; intid < lines && intid < 1020; intid += 4)
        mmio_write32(gicd + GICD_IPRIORITYR + intid, 0x01010101u * PRIORITY_DEFAULT);
    ops->init();
    for (uint32_t intid = 32; intid < lines && intid < 1020; intid++)
        gic_route(intid, 0);
}

void gic_init_cpu(void)
{
    ops->init_cpu();
    mmio_write32(gic_frame(0) + GICD_ICENABLER, 0xffff0000);
    mmio_write32(gic_frame(0) + GICD_ICPENDR, 0xffff0000);
    mmio_write32(gic_frame(0) + GICD_ICACTIVER, UINT32_MAX);
    for (uint32_t intid = 0; intid < 32; intid += 4)
        mmio_write32(gic_frame(0) + GICD_IPRIORITYR + intid, 0x01010101u * PRIORITY_DEFAULT);
    mmio_write32(gic_frame(0) + GICD_ISENABLER, 0xffff);
    gic_mask(0xff);
    gic_eoi_mode(false);
    gic_group_enable(true);
}

void gic_sgi(uint32_t sgi, unsigned mask)
{
    dsb(ishst);
    ops->sgi(sgi, mask);
}

void gic_sgi_others(uint32_t sgi)
{
    dsb(ishst);
    ops->sgi_others(sgi);
}

void gic_mask(uint8_t pmr)
{
    ops->mask(pmr);
}

void gic_group_enable(bool on)
{
    ops->group_enable(on);
}

void gic_eoi_mode(bool split)
{
    ops->eoi_mode(split);
}

uint32_t gic_running(void)
{
    return ops->running();
}

uint32_t gic_highest_pending(void)
{
    return ops->highest_pending();
}

uint32_t gic_ack(void)
{
    return ops->ack();
}

void gic_eoi(uint32_t iar)
{
    ops->eoi(iar);
}

void gic_deactivate(uint32_t iar)
{
    ops->deactivate(iar);
}

void irq_reset(irq_hook_t hook)
{
    irq_hook = hook;
    for (unsigned cpu = 0; cpu < PAYLOAD_CPUS; cpu++)
        __atomic_store_n(&irq_log[cpu].count, 0, __ATOMIC_SEQ_CST);
}

unsigned irq_taken(unsigned cpu, uint32_t intid)
{
    unsigned count = __atomic_load_n(&irq_log[cpu].count, __ATOMIC_ACQUIRE);
    unsigned taken = 0;
    for (unsigned i = 0; i < count && i < IRQ_LOG; i++)
        taken += (irq_log[cpu].iar[i] & INTID_MASK) == intid;
    return taken;
}

void gic_interrupt(void)
{
    struct irq_log *log = &irq_log[this_cpu()];
    uint32_t iar = gic_ack();
    if ((iar & INTID_MASK) >= 1020)
        return;
    if (log->count < IRQ_LOG)
        log->iar[log->count] = iar;
    __atomic_fetch_add(&log->count, 1, __ATOMIC_RELEASE);
    if (irq_hook == NULL || irq_hook(iar))
        gic_eoi(iar);
}
