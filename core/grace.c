/* SPDX-License-Identifier: Apache-2.0 */
/* Grace periods by kicks; see grace.h. May call gic. */
#include "core/grace.h"

#include "core/pcpu.h"
#include "gic/gic.h"

static uint64_t latest;

uint64_t grace_begin(void)
{
    uint64_t period = __atomic_add_fetch(&latest, 1, __ATOMIC_ACQ_REL);

    for (unsigned i = 0; i < cpu_count; i++)
        gic_ops.send_sgi(i, SGI_KICK); /* to itself too: taken after this hypercall */
    return period;
}

bool grace_passed(uint64_t period)
{
    for (unsigned i = 0; i < cpu_count; i++)
        if (__atomic_load_n(&pcpus[i].grace, __ATOMIC_ACQUIRE) < period)
            return false;
    return true;
}

uint64_t grace_latest(void)
{
    return __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
}

void grace_kick(struct pcpu *cpu, uint64_t period)
{
    __atomic_store_n(&cpu->grace, period, __ATOMIC_RELEASE);
}
