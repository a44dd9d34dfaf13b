/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a domain, in bounded steps that dom0 drives by calling DESTROY until it is done: stop,
 * leave every register, outlive every pointer, give the memory back. May call core, mm, gic.
 */
#include "core/domain_table.h"
#include "core/grace.h"
#include "core/sched.h"
#include "core/switch.h"
#include "guests/abi/domu.h"
#include "mm/pool.h"
#include "platform/panic.h"

#define BLOCKS_PER_STEP 16

/* Each step returns true when it is done. Table lock held. */

static bool step_hold(struct domain *domain)
{
    spin_lock(&domain->lock);
    domain_set_state(domain, TARN_STATE_DYING);
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        sched_hold(domain->vcpu[i]);
    spin_unlock(&domain->lock);
    return true;
}

static bool step_leave(struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        if (!sched_is_off_cpu(domain->vcpu[i]) || !switch_is_out(domain->vcpu[i]))
            return false;
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        sched_retire(domain->vcpu[i]);
    domain->grace = grace_begin();
    return true;
}

/* Nobody finds the domain any more. */
static bool step_grace(struct domain *domain)
{
    if (!grace_passed(domain->grace))
        return false;
    domain->grace = grace_begin();
    return true;
}

/* What was posted until then has been taken. */
static bool step_drain(struct domain *domain)
{
    if (!grace_passed(domain->grace))
        return false;
    vgic_destroy(&domain->vgic);
    domain->ram_cursor = domain->ram_start;
    return true;
}

static bool step_memory(struct domain *domain)
{
    unsigned blocks = 0;

    while (domain->ram_cursor < domain->ram_end && blocks++ < BLOCKS_PER_STEP) {
        pa_t block;
        if (stage2_lookup(&domain->stage2, ipa(domain->ram_cursor), &block)) {
            bool shared = domain->ram_cursor < DOMU_RAM_BASE;
            /* A whole block that was mapped as one: nothing to split, so this cannot fail. */
            bool unmapped = shared || stage2_unmap(&dom0()->stage2, ipa(block.v), TARN_BLOCK_SIZE);
            assert(unmapped);
            pool_free(block, shared ? POOL_SHARED : domain->id);
        }
        domain->ram_cursor += TARN_BLOCK_SIZE;
    }
    return domain->ram_cursor >= domain->ram_end;
}

static bool step_free(struct domain *domain)
{
    domain_unplace(domain);
    domain_table.domain[domain->id] = NULL;
    domain_free(domain);
    return true;
}

static bool (*const steps[])(struct domain *) = {step_hold,  step_leave,  step_grace,
                                                 step_drain, step_memory, step_free};

int64_t domain_destroy(uint64_t *x)
{
    int64_t status = TARN_EAGAIN;
    uint64_t id = x[1];

    if (id == DOM0_ID || id >= TARN_MAX_DOMAINS)
        return TARN_EINVAL;
    spin_lock(&domain_table.lock);
    struct domain *domain = domain_table.domain[id];
    if (!domain) {
        status = TARN_ENOENT;
    } else {
        unsigned step = domain->destroy_step;
        bool done = steps[step](domain);
        if (done && step == ARRAY_SIZE(steps) - 1)
            status = TARN_OK; /* the domain is gone */
        else if (done)
            domain->destroy_step++;
    }
    spin_unlock(&domain_table.lock);
    return status;
}
