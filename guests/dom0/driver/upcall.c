// SPDX-License-Identifier: GPL-2.0-only
/*
 * The upcall: Tarn's interrupt that says some domain's notify page has news. Takes the bits in the
 * order that virtio/vdev.c of Tarn proves right: domains, devices, queues.
 */
#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/of_irq.h>
#include <linux/slab.h>

#include "guests/dom0/driver/tarn.h"

static struct tarn_upcall_page *page;
static int irq;
static int hotplug_state;
static struct tarn_domain *__percpu *dummy; /* request_percpu_irq wants a cookie per CPU */

static void take_queues(struct tarn_domain *domain, u32 device)
{
    u64 queues = xchg(&domain->notify->queues[device], 0);

    while (queues) {
        u32 queue = __ffs64(queues);
        queues &= queues - 1;
        if (domain->ioevent[device] && domain->ioevent[device][queue])
            eventfd_signal(domain->ioevent[device][queue], 1);
    }
}

/* Irqs off. */
static void look_locked(struct tarn_domain *domain)
{
    u64 devices = xchg(&domain->notify->devices, 0);
    u64 requests = xchg(&domain->notify->requests, 0);
    u64 events = xchg(&domain->notify->events, 0);

    while (devices) {
        u32 device = __ffs64(devices);
        devices &= devices - 1;
        if (device < TARN_MAX_VDEVS)
            take_queues(domain, device);
    }
    domain->pending |= requests;
    if (events & TARN_EVENT_CONSOLE)
        domain->console_pending = true;
    if (events & TARN_EVENT_STATE)
        domain->state_seq++;
    if (requests || events)
        wake_up_all(&domain->wait);
}

static void look(struct tarn_domain *domain)
{
    spin_lock(&domain->lock);
    look_locked(domain);
    spin_unlock(&domain->lock);
}

/*
 * A backend that has just attached finds what came while there was none: the bits in the page, and
 * notifications of a predecessor that nobody will repeat, so every queue is worth a look.
 */
void tarn_domain_look(struct tarn_domain *domain)
{
    spin_lock_irq(&domain->lock);
    look_locked(domain);
    domain->console_pending = true;
    spin_unlock_irq(&domain->lock);
    wake_up_all(&domain->wait);
}

static irqreturn_t upcall(int number, void *cookie)
{
    unsigned int vcpu, word;

    for (vcpu = 0; vcpu < num_possible_cpus() && vcpu < TARN_MAX_DOM0_VCPUS; vcpu++) {
        for (word = 0; word < TARN_MAX_DOMAINS / 64; word++) {
            u64 *bits = &page->vcpu[vcpu].domains[word];
            u64 domains = READ_ONCE(*bits) ? xchg(bits, 0) : 0;
            while (domains) {
                tarn_domain_with(word * 64 + __ffs64(domains), look);
                domains &= domains - 1;
            }
        }
    }
    return IRQ_HANDLED;
}

int tarn_ioeventfd(struct tarn_domain *domain, const struct tarn_ioeventfd *arg)
{
    struct eventfd_ctx **queues = NULL;
    struct eventfd_ctx *ctx = NULL;
    struct eventfd_ctx *old;

    if (arg->index >= TARN_MAX_VDEVS || arg->queue >= TARN_MAX_QUEUES || arg->fd < -1)
        return -EINVAL;
    if (arg->fd >= 0) {
        ctx = eventfd_ctx_fdget(arg->fd);
        if (IS_ERR(ctx))
            return PTR_ERR(ctx);
        queues = kcalloc(TARN_MAX_QUEUES, sizeof(*queues), GFP_KERNEL);
        if (!queues) {
            eventfd_ctx_put(ctx);
            return -ENOMEM;
        }
    }
    spin_lock_irq(&domain->lock);
    if (!domain->ioevent[arg->index])
        swap(domain->ioevent[arg->index], queues);
    old = NULL;
    if (domain->ioevent[arg->index]) {
        old = domain->ioevent[arg->index][arg->queue];
        domain->ioevent[arg->index][arg->queue] = ctx;
    }
    if (ctx)
        eventfd_signal(ctx, 1); /* a notification may have come before */
    spin_unlock_irq(&domain->lock);
    kfree(queues);
    if (old)
        eventfd_ctx_put(old);
    return 0;
}

void tarn_ioeventfd_free(struct tarn_domain *domain)
{
    u32 device, queue;

    for (device = 0; device < TARN_MAX_VDEVS; device++) {
        struct eventfd_ctx **queues;

        spin_lock_irq(&domain->lock);
        queues = domain->ioevent[device];
        domain->ioevent[device] = NULL;
        spin_unlock_irq(&domain->lock);
        if (!queues)
            continue;
        for (queue = 0; queue < TARN_MAX_QUEUES; queue++)
            if (queues[queue])
                eventfd_ctx_put(queues[queue]);
        kfree(queues);
    }
}

static int cpu_up(unsigned int cpu)
{
    enable_percpu_irq(irq, IRQ_TYPE_EDGE_RISING);
    return 0;
}

static int cpu_down(unsigned int cpu)
{
    disable_percpu_irq(irq);
    return 0;
}

int tarn_upcall_init(void)
{
    struct device_node *node = of_find_compatible_node(NULL, NULL, TARN_HYP_COMPATIBLE);
    struct resource where;
    int error = of_address_to_resource(node, 0, &where);

    irq = irq_of_parse_and_map(node, 0);
    of_node_put(node);
    if (error || irq <= 0) {
        pr_err("tarn: the hypervisor's device-tree node lacks reg or interrupts\n");
        return -ENODEV;
    }
    dummy = alloc_percpu(struct tarn_domain *);
    page = memremap(where.start, PAGE_SIZE, MEMREMAP_WB);
    if (!page || !dummy) {
        error = -ENOMEM;
        goto no_memory;
    }
    error = request_percpu_irq(irq, upcall, "tarn", dummy);
    if (error)
        goto no_memory;
    hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tarn:online", cpu_up, cpu_down);
    if (hotplug_state < 0) {
        error = hotplug_state;
        free_percpu_irq(irq, dummy);
        goto no_memory;
    }
    return 0;

no_memory:
    if (page)
        memunmap(page);
    free_percpu(dummy);
    return error;
}

void tarn_upcall_exit(void)
{
    cpuhp_remove_state(hotplug_state);
    free_percpu_irq(irq, dummy);
    memunmap(page);
    free_percpu(dummy);
}
