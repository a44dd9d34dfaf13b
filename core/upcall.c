/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upcall: dom0 learns that a domain's notify page has news by a bit in the upcall page and a
 * private interrupt on one of its vCPUs. Several at a time are one interrupt.
 * May call gic, core/domain.h, core/pcpu.h.
 */
#include "core/domain.h"
#include "core/pcpu.h"
#include "core/post.h"

#define UPCALL_LINE 0 /* dom0's first: TARN_UPCALL_INTID */

static struct tarn_upcall_page *page;

void upcall_init(struct tarn_upcall_page *upcall_page)
{
    page = upcall_page;
}

static inline bool suits(const struct vcpu *vcpu)
{
    return vcpu->state != VCPU_OFF && !pcpu_is_this(vcpu->pcpu);
}

static inline void tell(const struct domain *domain, struct vcpu *vcpu,
                        void (*post)(struct vcpu *vcpu, unsigned line))
{
    uint64_t bit = BIT(domain->id % 64);
    uint64_t before =
        __atomic_fetch_or(&page->vcpu[vcpu->id].domains[domain->id / 64], bit, __ATOMIC_ACQ_REL);

    if (!(before & bit)) /* else dom0 has not taken it yet, and will see this too */
        post(vcpu, UPCALL_LINE);
}

/* Any that suits; else one that is not off. */
static RARE void tell_other(const struct domain *domain)
{
    const struct domain *host = dom0();
    struct vcpu *found = host->vcpu[0];

    for (unsigned i = 0; i < host->nr_vcpus && !suits(found); i++)
        if (host->vcpu[i]->state != VCPU_OFF)
            found = host->vcpu[i];
    tell(domain, found, post_interrupt);
}

/*
 * Which vCPU of dom0 is interrupted; dom0 reads the words of all of them. The one that last
 * answered this domain, because its backend ran there; but one that would have to share the CPU of
 * the vCPU that notifies, only if all do. States are looked at without a lock: any that is not off
 * will do.
 */
void upcall_raise(struct domain *domain)
{
    struct vcpu *vcpu = __atomic_load_n(&domain->answerer, __ATOMIC_RELAXED);

    if (suits(vcpu))
        tell(domain, vcpu, post_elsewhere);
    else
        tell_other(domain);
}

void upcall_event(struct domain *domain, uint64_t event)
{
    if (!domain->notify)
        return;
    __atomic_fetch_or(&domain->notify->events, event, __ATOMIC_RELEASE);
    upcall_raise(domain);
}
