/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stolen time; see trap.h. The scheduler keeps it (vcpu.stolen), for those whose guest has asked
 * where it is. May call core, mm.
 */
#include "core/domain.h"
#include "core/trap.h"
#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "mm/heap.h"

#define PV_TIME_ST 0xc5000021

/* DEN 0057A, 3.2.1.2: of each vCPU. Revision and attributes are 0. */
struct stolen_time {
    uint32_t revision, attributes;
    uint64_t ns;
    uint8_t padding[48];
};
_Static_assert(sizeof(struct stolen_time) * DOMAIN_MAX_VCPUS <= PAGE_SIZE, "one page for all");

/* dom0 sees pages of EL2 at their physical addresses. */
static ipa_t page_ipa(const struct domain *domain)
{
    return ipa(domain->id == DOM0_ID ? heap_pa(domain->stolen).v : DOMU_STOLEN_BASE);
}

bool pvtime_map(struct domain *domain)
{
    return stage2_map(&domain->stage2, page_ipa(domain), heap_pa(domain->stolen), PAGE_SIZE,
                      STAGE2_RAM_NX);
}

int64_t pvtime_call(struct vcpu *vcpu, uint32_t function)
{
    struct stolen_time *times = vcpu->domain->stolen;

    if (function == PV_TIME_FEATURES &&
        (vcpu->x[1] == PV_TIME_FEATURES || vcpu->x[1] == PV_TIME_ST))
        return TARN_OK;
    if (function != PV_TIME_ST)
        return TARN_ENOTSUPP;
    vcpu->stolen = &times[vcpu->id].ns;
    return (int64_t)(page_ipa(vcpu->domain).v + vcpu->id * sizeof(*times));
}
