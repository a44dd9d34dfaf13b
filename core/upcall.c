/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upcall: dom0 learns that a domain's notify page has news by a bit in the upcall page and a
 * private interrupt on one of its vCPUs. Several at a time are one interrupt.
 * May call gic, core/domain.h, core/pcpu.h.
 */
#include "core/domain.h"
#include "core/pcpu.h"
#include "core/post.h"
#include "gic/gic.h"

#define UPCALL_LINE 0 /* dom0's first: TARN_UPCALL_INTID */

void upcall_init(struct domain *host, struct tarn_upcall_page *page)
{
    for (unsigned i = 0; i < host->nr_vcpus; i++)
        host->vcpu[i]->upcall = page->vcpu[i].domains;
}

static inline bool suits(const struct vcpu *vcpu)
{
    return vcpu->state != VCPU_OFF && !pcpu_is_this(vcpu->pcpu);
}

/* Whether the vCPU of dom0 has to be told; else it has yet to look, and will see this too. */
static inline bool mark(const struct domain *domain, const struct vcpu *vcpu)
{
    uint64_t bit = BIT(domain->id % 64);

    return !(__atomic_fetch_or(&vcpu->upcall[domain->id / 64], bit, __ATOMIC_ACQ_REL) & bit);
}

/* Any that suits; else one that is not off. */
static RARE void tell_other(const struct domain *domain)
{
    const struct domain *host = dom0();
    struct vcpu *found = host->vcpu[0];

    for (unsigned i = 0; i < host->nr_vcpus && !suits(found); i++)
        if (host->vcpu[i]->state != VCPU_OFF)
            found = host->vcpu[i];
    if (mark(domain, found))
        post_interrupt(found, UPCALL_LINE);
}

/*
 * Which vCPU of dom0 is interrupted; dom0 reads the words of all of them. The one of the CPU that
 * last answered this domain, because its backend ran there; but not if that is the CPU of the vCPU
 * that notifies, while there is another. States are looked at without a lock: any that is not off
 * will do. The CPU knows whom the SGI is for, so nothing is posted; it hands on what is for one
 * that has been told to live elsewhere.
 */
void upcall_raise(struct domain *domain)
{
    const struct pcpu *cpu = __atomic_load_n(&domain->answerer, __ATOMIC_RELAXED);
    unsigned id = cpu->id;

    if (cpu->host->state == VCPU_OFF || id == cpu_id())
        tell_other(domain);
    else if (mark(domain, cpu->host))
        gic_ops.send_sgi(id, SGI_UPCALL);
}

void upcall_take(const struct pcpu *cpu)
{
    post_interrupt(cpu->host, UPCALL_LINE);
}

void upcall_event(struct domain *domain, uint64_t event)
{
    if (!domain->notify)
        return;
    __atomic_fetch_or(&domain->notify->events, event, __ATOMIC_RELEASE);
    upcall_raise(domain);
}
