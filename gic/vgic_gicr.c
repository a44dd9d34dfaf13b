/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual redistributor (GICv3, IHI 0069 12.11): RD frame, then SGI frame with the private
 * interrupts. Any vCPU may access any of them. No LPIs; always awake. May include platform, mm,
 * gic.
 */
#include "gic/vgic_internal.h"
#include "platform/panic.h"

/* GICR_TYPER: Affinity_Value 63:32, Processor_Number 23:8, Last 4. */
static uint64_t typer(const struct vgic_cpu *cpu)
{
    return vcpu_mpidr(cpu->number) << 32 | (uint64_t)cpu->number << 8 |
           (cpu->gicr_last ? GICR_TYPER_LAST : 0);
}

/* GICR_IIDR, GICR_TYPER by halves too, GICR_PIDR2; GICR_CTLR, GICR_WAKER and all others are zero.
 */
static uint64_t read_rd(const struct vgic_cpu *cpu, unsigned offset, unsigned size)
{
    if (offset == GICR_TYPER && size >= 4)
        return size == 4 ? (uint32_t)typer(cpu) : typer(cpu);
    if (offset == GICR_TYPER + 4 && size == 4)
        return typer(cpu) >> 32;
    if (offset == GICR_IIDR && size == 4)
        return VGIC_IIDR;
    if (offset == GICR_PIDR2 && size == 4)
        return 0x3b;
    return 0;
}

enum mmio_result vgic_gicr_access(void *device, struct mmio_access *access)
{
    struct vgic_cpu *cpu = device;
    unsigned offset = (unsigned)access->offset & (GICR_FRAMES - 1);

    if (offset >= GICR_SGI)
        return vgic_sgi_frame_access(cpu, access);
    if (!access->write)
        access->value = read_rd(cpu, offset, access->size);
    return MMIO_DONE;
}
