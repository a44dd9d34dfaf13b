/* SPDX-License-Identifier: Apache-2.0 */
/* Affinity of vCPUs, see affinity.h. May call core. */
#include "core/affinity.h"

#include "core/domain_table.h"
#include "core/sched.h"
#include "platform/panic.h"

/* Bit n: CPU n is dedicated to a vCPU. */
static uint64_t reserved;

static uint64_t all_cpus(void)
{
    return UINT64_MAX >> (64 - cpu_count);
}

uint64_t affinity_common(void)
{
    return all_cpus() & ~reserved;
}

/* The next vCPU of all domains after `vcpu` (NULL: the first), or NULL. */
static struct vcpu *next_vcpu(const struct vcpu *vcpu)
{
    unsigned d = vcpu ? vcpu->domain->id : 0, i = vcpu ? vcpu->id + 1 : 0;

    for (; d < TARN_MAX_DOMAINS; d++, i = 0)
        if (domain_table.domain[d] && i < domain_table.domain[d]->nr_vcpus)
            return domain_table.domain[d]->vcpu[i];
    return NULL;
}

static void claim(uint64_t cpus, int change)
{
    for (; cpus; cpus &= cpus - 1)
        sched_claim(&pcpus[__builtin_ctzl(cpus)], change);
}

/* It may run where it was allowed to, less what is dedicated to others. */
static void apply(struct vcpu *vcpu)
{
    uint64_t before = vcpu->cpus;
    uint64_t cpus = vcpu->dedicated ? vcpu->wanted : vcpu->wanted & affinity_common();

    assert(cpus);
    if (cpus == before)
        return;
    claim(before & ~cpus, -1);
    claim(cpus & ~before, 1);
    sched_set_cpus(vcpu, cpus);
}

static void apply_to_all(void)
{
    reserved = 0;
    for (struct vcpu *vcpu = next_vcpu(NULL); vcpu; vcpu = next_vcpu(vcpu))
        reserved |= vcpu->dedicated ? vcpu->wanted : 0;
    for (struct vcpu *vcpu = next_vcpu(NULL); vcpu; vcpu = next_vcpu(vcpu))
        if (vcpu->wanted)
            apply(vcpu);
}

void affinity_enter(struct vcpu *vcpu, uint64_t wanted)
{
    vcpu->wanted = wanted & all_cpus();
    apply(vcpu);
}

void affinity_leave(struct vcpu *vcpu)
{
    claim(vcpu->cpus, -1);
    vcpu->wanted = 0; /* others of its domain may still have to leave */
    if (!vcpu->dedicated)
        return;
    vcpu->dedicated = false;
    apply_to_all();
}

/* Whether everybody else has a CPU left if these are dedicated. */
static bool can_spare(const struct vcpu *taker, uint64_t cpus)
{
    for (struct vcpu *vcpu = next_vcpu(NULL); vcpu; vcpu = next_vcpu(vcpu))
        if (vcpu != taker && !vcpu->dedicated && !(vcpu->wanted & ~cpus))
            return false;
    return true;
}

/* One of these that can be dedicated to it, or 0. The last: dom0's are the first. */
static uint64_t spare_cpu(const struct vcpu *taker, uint64_t cpus, uint64_t others)
{
    for (unsigned i = cpu_count; i-- > 0;)
        if ((cpus & ~others & BIT(i)) && can_spare(taker, others | BIT(i)))
            return BIT(i);
    return 0;
}

int64_t affinity_set(struct vcpu *vcpu, uint64_t cpus, bool dedicated)
{
    uint64_t others = reserved & ~(vcpu->dedicated ? vcpu->wanted : 0);

    cpus &= all_cpus();
    if (!cpus)
        return TARN_EINVAL;
    if (dedicated)
        cpus = spare_cpu(vcpu, cpus, others);
    if (!(cpus & ~others))
        return TARN_EBUSY;
    vcpu->wanted = cpus;
    vcpu->dedicated = dedicated;
    apply_to_all();
    return TARN_OK;
}

int64_t affinity_call(struct vcpu *vcpu, uint64_t *x)
{
    int64_t status = TARN_OK;

    spin_lock(&domain_table.lock);
    if (x[3])
        status = affinity_set(vcpu, x[3], x[4] != 0);
    x[3] = vcpu->cpus;
    x[4] = vcpu->dedicated;
    spin_unlock(&domain_table.lock);
    return status;
}
