/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GIC is, in the plainest words: one structure per interrupt, loops over all of them. No
 * list registers, no caches, no vCPU switches. The truth that the virtual GIC is held against.
 */
#ifndef TESTS_UNIT_VGIC_NAIVE_H
#define TESTS_UNIT_VGIC_NAIVE_H

#include "vgic_machine.h"

struct naive_irq {
    bool enabled, edge, group1, latch, line, active;
    uint8_t priority;
    uint8_t route;   /* SPI: vCPU, or VGIC_NOBODY */
    uint8_t owner;   /* while active: the vCPU that may end it */
    uint8_t targets; /* GICv2 SPI */
    uint8_t sources; /* GICv2 SGI: who sent it */
};

struct naive {
    unsigned version, nr_irqs;
    bool groups[2];
    struct naive_irq private[VCPUS][32];
    struct naive_irq spi[1020];
};
extern struct naive naive;

void naive_init(unsigned version, unsigned nr_irqs);
struct naive_irq *naive_irq(unsigned vcpu, unsigned intid);
bool naive_pending(const struct naive_irq *irq);

/* Whether the distributor offers it to this vCPU, and whether the vCPU's interface lets it through.
 */
bool naive_offered(unsigned vcpu, unsigned intid);
bool naive_signalled(unsigned vcpu, unsigned intid);

/* Priority of the most urgent interrupt signalled to a vCPU; 0x100: none. */
unsigned naive_best(unsigned vcpu);

/* The vCPU took it; fails the test if that was wrong. The vCPU ended it. */
void naive_ack(unsigned vcpu, const struct taken *taken);
void naive_end(unsigned vcpu, const struct taken *taken);

#endif
