/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small machine for tests of the virtual GIC: physical CPUs with list registers, a physical
 * distributor, vCPUs that acknowledge and end interrupts as the virtual CPU interface lets them,
 * and the part of core that kicks, flushes and switches vCPUs. Knows nothing of what is right.
 */
#ifndef TESTS_UNIT_VGIC_MACHINE_H
#define TESTS_UNIT_VGIC_MACHINE_H

#include "unit.h"

#include "gic/gic_ops.h"
#include "gic/gic_regs.h"
#include "gic/vgic.h"

#define PCPUS      3
#define VCPUS      5
#define MAX_NESTED 40
#define NOT_LOADED 0xff
#define VTIMER     27

/* What a vCPU acknowledged and has not ended. */
struct taken {
    uint32_t intid, source;
};

struct virtual_cpu {
    struct vgic_cpu vgic;
    unsigned pcpu; /* or NOT_LOADED */
    bool timer_line;
    unsigned depth;
    struct taken stack[MAX_NESTED];
    unsigned late_count; /* priority dropped, not deactivated (EOImode 1) */
    struct taken late[MAX_NESTED];
};

struct physical_cpu {
    struct lr lr[LR_MAX];
    uint32_t hcr;
    struct gic_interface interface;
    uint32_t ppi_active;
};

struct physical_irq {
    bool enabled, pending, active, edge, line;
    unsigned pcpu;
};

struct machine {
    struct vgic vgic;
    void *spi_memory;
    struct virtual_cpu vcpu[VCPUS];
    struct physical_cpu pcpu[PCPUS];
    struct physical_irq irq[1020];
    unsigned lr_writes;
    void (*timer_fired)(unsigned vcpu); /* told that the virtual timer's interrupt became pending */
};
extern struct machine machine;

void machine_init(unsigned version, unsigned nr_lrs, unsigned nr_irqs, bool hardware);
void machine_exit(void);

/* Puts a vCPU on a CPU that has none; takes it off. */
void machine_load(unsigned vcpu, unsigned pcpu);
void machine_unload(unsigned vcpu);

/* Register access by a loaded vCPU; machine_settle is the caller's. */
uint64_t machine_gicd(unsigned vcpu, unsigned offset, unsigned size, bool write, uint64_t value);
uint64_t machine_gicr(unsigned vcpu, unsigned frame, unsigned offset, unsigned size, bool write,
                      uint64_t value);

/* Write of ICC_SGI1R_EL1 by a loaded vCPU. Returns who is kicked. */
vcpu_mask_t machine_sgi1r(unsigned vcpu, uint64_t value);

/* Delivers kicks, physical interrupts and maintenance interrupts until nothing moves. */
void machine_settle(void);

/* The guest reads IAR. False: spurious. */
bool machine_ack(unsigned vcpu, struct taken *taken);
/* Writes EOIR for the last one; drop alone leaves it active (EOImode 1), for machine_deactivate. */
void machine_eoi(unsigned vcpu, struct taken *taken);
void machine_drop(unsigned vcpu);
void machine_deactivate(unsigned vcpu, unsigned index, struct taken *taken);

/* The least priority value that is not signalled to a vCPU, by mask and running priority. */
uint32_t machine_threshold(unsigned vcpu);
uint32_t *machine_vmcr(unsigned vcpu);

#endif
