/* SPDX-License-Identifier: Apache-2.0 */
/* The plain model of vgic_naive.h. */
#include "vgic_naive.h"

struct naive naive;

void naive_init(unsigned version, unsigned nr_irqs)
{
    memset(&naive, 0, sizeof(naive));
    naive.version = version;
    naive.nr_irqs = nr_irqs;
    for (unsigned v = 0; v < VCPUS; v++)
        for (unsigned i = 0; i < 32; i++) {
            naive.private[v][i].edge = i < 16;
            naive.private[v][i].enabled = i < 16 && version == 2;
            naive.private[v][i].group1 = version == 3;
        }
    for (unsigned i = 32; i < nr_irqs; i++) {
        naive.spi[i].group1 = version == 3;
        naive.spi[i].targets = 1;
    }
}

struct naive_irq *naive_irq(unsigned vcpu, unsigned intid)
{
    return intid < 32 ? &naive.private[vcpu][intid] : &naive.spi[intid];
}

bool naive_pending(const struct naive_irq *irq)
{
    return irq->latch || irq->sources || (irq->line && !irq->edge);
}

bool naive_offered(unsigned vcpu, unsigned intid)
{
    const struct naive_irq *irq = naive_irq(vcpu, intid);

    return naive_pending(irq) && irq->enabled && !irq->active && naive.groups[irq->group1] &&
           (intid < 32 || irq->route == vcpu);
}

bool naive_signalled(unsigned vcpu, unsigned intid)
{
    const struct naive_irq *irq = naive_irq(vcpu, intid);

    return naive_offered(vcpu, intid) && irq->priority < machine_threshold(vcpu) &&
           *machine_vmcr(vcpu) & (irq->group1 ? VMCR_GROUP1 : VMCR_GROUP0);
}

unsigned naive_best(unsigned vcpu)
{
    unsigned best = 0x100;

    for (unsigned i = 0; i < naive.nr_irqs; i++)
        if (naive_signalled(vcpu, i))
            best = MIN(best, (unsigned)naive_irq(vcpu, i)->priority);
    return best;
}

void naive_ack(unsigned vcpu, const struct taken *taken)
{
    struct naive_irq *irq = naive_irq(vcpu, taken->intid);

    assert_true(naive_offered(vcpu, taken->intid));
    irq->active = true;
    irq->owner = (uint8_t)vcpu;
    irq->latch = false;
    if (naive.version == 2 && taken->intid < 16) {
        assert_true(irq->sources & BIT32(taken->source));
        irq->sources &= (uint8_t)~BIT32(taken->source);
    }
}

void naive_end(unsigned vcpu, const struct taken *taken)
{
    struct naive_irq *irq = naive_irq(vcpu, taken->intid);

    if (irq->owner == vcpu)
        irq->active = false;
}
