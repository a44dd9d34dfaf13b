// SPDX-License-Identifier: GPL-2.0-only
/*
 * The upcall: Tarn's per-CPU interrupt that says "look into the upcall page" (guests/abi/notify.h),
 * and what is found behind it. Bits are taken from the outside in, domain, device, queue, the
 * reverse of the order in which Tarn sets them, so none is missed; one found empty is no harm.
 */
#define pr_fmt(fmt) "tarn: " fmt

#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/of_irq.h>

#include "guests/dom0/driver/domain.h"

static struct tarn_upcall_page *page;
static DEFINE_PER_CPU(u32, cookie); /* what request_percpu_irq wants, of no use here */
static int irq;
/* Of the CPU hot-plug machinery; 0: not set up. */
static int cpu_state;
static int dead_state;

/* An exchange costs more than a look, and most words are empty. */
static u64 take(u64 *word)
{
    return READ_ONCE(*word) ? xchg(word, 0) : 0;
}

void tarn_upcall_take(struct tarn_domain *domain)
{
    struct tarn_notify_page *notify = domain->notify;
    u64 devices, requests, events;

    spin_lock(&domain->lock);
    devices = take(&notify->devices) & GENMASK_ULL(TARN_MAX_VDEVS - 1, 0);
    while (devices) {
        u32 index = __ffs64(devices);

        devices &= devices - 1;
        tarn_eventfd_notify(domain, index, take(&notify->queues[index]));
    }
    requests = take(&notify->requests) & GENMASK_ULL(TARN_MAX_VCPUS - 1, 0);
    domain->posted |= requests;
    atomic64_add(hweight64(requests), &domain->requests);
    events = take(&notify->events);
    if (events & TARN_EVENT_CONSOLE)
        domain->console_news = true;
    if (events & TARN_EVENT_STATE)
        domain->changes++;
    spin_unlock(&domain->lock);
    if (requests || events)
        tarn_domain_wake(domain);
}

static void or_word(u64 *word, u64 bits)
{
    atomic64_or(bits, (atomic64_t *)word);
}

void tarn_upcall_give_back(struct tarn_domain *domain)
{
    struct tarn_notify_page *notify = domain->notify;
    u32 i;

    for (i = 0; i < TARN_MAX_VDEVS; i++) {
        if (domain->kicks[i]) {
            or_word(&notify->queues[i], domain->kicks[i]);
            or_word(&notify->devices, BIT_ULL(i));
        }
    }
    or_word(&notify->requests, domain->posted | domain->taken);
    if (domain->console_news)
        or_word(&notify->events, TARN_EVENT_CONSOLE);
}

/* Tarn chooses the vCPU whose words it sets and whom it interrupts: all words are looked at. */
static irqreturn_t tarn_upcall(int number, void *unused)
{
    unsigned int vcpus = min_t(unsigned int, nr_cpu_ids, TARN_MAX_DOM0_VCPUS);
    unsigned int vcpu, word;

    for (vcpu = 0; vcpu < vcpus; vcpu++) {
        for (word = 0; word < ARRAY_SIZE(page->vcpu[vcpu].domains); word++) {
            u64 domains = take(&page->vcpu[vcpu].domains[word]);

            while (domains) {
                tarn_table_call(word * 64 + __ffs64(domains), tarn_upcall_take);
                domains &= domains - 1;
            }
        }
    }
    return IRQ_HANDLED;
}

static int upcall_cpu_up(unsigned int cpu)
{
    enable_percpu_irq(irq, irq_get_trigger_type(irq));
    return 0;
}

static int upcall_cpu_down(unsigned int cpu)
{
    disable_percpu_irq(irq);
    return 0;
}

/* Maps the page and requests the interrupt, still disabled everywhere. */
int tarn_upcall_init(void)
{
    struct device_node *node = of_find_compatible_node(NULL, NULL, TARN_HYP_COMPATIBLE);
    struct resource where;
    int error = of_address_to_resource(node, 0, &where);

    irq = irq_of_parse_and_map(node, 0);
    of_node_put(node);
    if (error || resource_size(&where) < sizeof(*page) || irq <= 0) {
        pr_err("the hypervisor's device-tree node lacks a page in reg or its interrupt: boot dom0 "
               "with the device tree that Tarn made\n");
        return -ENODEV;
    }
    page = memremap(where.start, sizeof(*page), MEMREMAP_WB);
    if (!page)
        return -ENOMEM;
    error = request_percpu_irq(irq, tarn_upcall, "tarn", &cookie);
    if (error) {
        pr_err("interrupt %d of the hypervisor cannot be had (error %d)\n", irq, error);
        memunmap(page);
    }
    return error;
}

/* What came while nobody listened: Tarn does not interrupt again for a bit that is already set. */
static void take_old_news(void)
{
    u32 id;

    local_irq_disable();
    tarn_upcall(irq, NULL);
    for (id = 0; id < TARN_MAX_DOMAINS; id++)
        tarn_table_call(id, tarn_upcall_take);
    local_irq_enable();
}

/*
 * A CPU has gone: Tarn chose it until it was off, but it took no interrupt any more since
 * upcall_cpu_down. Runs on another one; from now on that CPU is not chosen.
 */
static int upcall_cpu_dead(unsigned int cpu)
{
    take_old_news();
    return 0;
}

/* To be called when the table is complete. */
int tarn_upcall_enable(void)
{
    int state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "tarn:dead", NULL, upcall_cpu_dead);

    if (state < 0)
        return state;
    dead_state = state;
    state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tarn:online", upcall_cpu_up, upcall_cpu_down);
    if (state < 0)
        return state;
    cpu_state = state;
    take_old_news();
    return 0;
}

void tarn_upcall_exit(void)
{
    if (cpu_state)
        cpuhp_remove_state(cpu_state);
    if (dead_state)
        cpuhp_remove_state_nocalls(dead_state);
    free_percpu_irq(irq, &cookie);
    memunmap(page);
}
