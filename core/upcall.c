/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upcall: dom0 learns that a domain's notify page has news by a bit in the upcall page and a
 * private interrupt on one of its vCPUs. Several at a time are one interrupt.
 * May call gic, core/domain.h.
 */
#include "core/domain.h"
#include "guests/abi/domu.h"

static struct tarn_upcall_page *page;

void upcall_init(struct tarn_upcall_page *upcall_page)
{
    page = upcall_page;
}

/* The first vCPU of dom0 that is not off; dom0 reads the words of all of them. */
static unsigned taker(void)
{
    const struct domain *domain = dom0();
    unsigned vcpu = 0;

    while (vcpu + 1 < domain->nr_vcpus && domain->vcpu[vcpu]->state == VCPU_OFF)
        vcpu++;
    return vcpu;
}

void upcall_raise(struct domain *domain)
{
    const unsigned vcpu = taker();
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
