/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upcall: dom0 learns that a domain's notify page has news by a bit in the upcall page and a
 * private interrupt on one of its vCPUs. Several at a time are one interrupt.
 * May call gic, core/domain.h, core/pcpu.h.
 */
#include "core/domain.h"
#include "core/pcpu.h"
#include "guests/abi/domu.h"

static struct tarn_upcall_page *page;

void upcall_init(struct tarn_upcall_page *upcall_page)
{
    page = upcall_page;
}

/*
 * Which vCPU of dom0 is interrupted; dom0 reads the words of all of them. The one that last
 * answered this domain, because its backend ran there; but one that would have to share the CPU of
 * the vCPU that notifies, only if all do. States are looked at without a lock: any that is not off
 * will do.
 */
static unsigned taker(const struct domain *domain)
{
    const struct domain *host = dom0();
    unsigned start = __atomic_load_n(&domain->answerer, __ATOMIC_RELAXED), found = 0;

    for (unsigned i = 0; i < host->nr_vcpus; i++) {
        unsigned at = start + i < host->nr_vcpus ? start + i : start + i - host->nr_vcpus;
        if (host->vcpu[at]->state == VCPU_OFF)
            continue;
        if (host->vcpu[at]->pcpu != this_pcpu())
            return at;
        found = at;
    }
    return found;
}

void upcall_raise(struct domain *domain)
{
    const unsigned vcpu = taker(domain);
    uint64_t bit = BIT(domain->id % 64);
    uint64_t before =
        __atomic_fetch_or(&page->vcpu[vcpu].domains[domain->id / 64], bit, __ATOMIC_ACQ_REL);

    if (before & bit)
        return; /* dom0 has not taken it yet, and will see this too */
    domain_kick(dom0(), vgic_set_pending(&dom0()->vgic, vcpu, TARN_UPCALL_INTID));
}

void upcall_event(struct domain *domain, uint64_t event)
{
    if (!domain->notify)
        return;
    __atomic_fetch_or(&domain->notify->events, event, __ATOMIC_RELEASE);
    upcall_raise(domain);
}
