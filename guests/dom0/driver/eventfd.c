// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notifications and interrupts without a system call of the backend: ioeventfd, QueueNotify signals
 * an eventfd; irqfd, the signal on an eventfd is the device's interrupt. As KVM has them, so vhost
 * and vhost-user plug in.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

#define MAX_IRQFDS  256
#define USED_BUFFER 1 /* virtio 1.2, 4.2.2: InterruptStatus */

/* A device's ioeventfds. Once allocated it stays until its domain has no eventfd any more. */
struct tarn_queues {
    struct eventfd_ctx *ctx[TARN_MAX_QUEUES];
};

void tarn_eventfd_notify(struct tarn_domain *domain, u32 index, u64 queues)
{
    struct tarn_queues *row = domain->queues[index];

    while (queues) {
        u32 queue = __ffs64(queues);

        queues &= queues - 1;
        if (row && row->ctx[queue])
            eventfd_signal(row->ctx[queue], 1);
        else
            domain->kicks[index] |= BIT_ULL(queue);
    }
}

/* Takes over ctx on success; *row is used up if the device has none. */
static int assign(struct tarn_domain *domain, u32 index, u32 queue, struct eventfd_ctx *ctx,
                  struct tarn_queues **row)
{
    int error = 0;

    spin_lock_irq(&domain->lock);
    if (!domain->queues[index])
        swap(domain->queues[index], *row);
    if (domain->queues[index]->ctx[queue])
        error = -EEXIST;
    else
        domain->queues[index]->ctx[queue] = ctx;
    if (!error && (domain->kicks[index] & BIT_ULL(queue))) {
        domain->kicks[index] &= ~BIT_ULL(queue);
        eventfd_signal(ctx, 1);
    }
    spin_unlock_irq(&domain->lock);
    return error;
}

static int ioeventfd_assign(struct tarn_domain *domain, const struct tarn_ioeventfd *arg)
{
    struct eventfd_ctx *ctx = eventfd_ctx_fdget(arg->fd);
    struct tarn_queues *row;
    int error = -ENOMEM;

    if (IS_ERR(ctx))
        return PTR_ERR(ctx);
    row = kzalloc(sizeof(*row), GFP_KERNEL_ACCOUNT);
    if (row)
        error = assign(domain, arg->index, arg->queue, ctx, &row);
    if (error)
        eventfd_ctx_put(ctx);
    kfree(row);
    return error;
}

/*
 * Takes an ioeventfd off, and remembers the queue as notified: its backend may have been signalled
 * and not have looked. Returns NULL if there is none. Domain's lock held.
 */
static struct eventfd_ctx *unassign(struct tarn_domain *domain, u32 index, u32 queue)
{
    struct tarn_queues *row = domain->queues[index];
    struct eventfd_ctx *ctx = row ? row->ctx[queue] : NULL;

    if (ctx) {
        row->ctx[queue] = NULL;
        domain->kicks[index] |= BIT_ULL(queue);
    }
    return ctx;
}

int tarn_ioeventfd(struct tarn_file *tf, void *arg)
{
    const struct tarn_ioeventfd *io = arg;
    struct eventfd_ctx *ctx;

    if (io->index >= TARN_MAX_VDEVS || io->queue >= TARN_MAX_QUEUES ||
        (io->flags & ~TARN_EVENTFD_DEASSIGN))
        return -EINVAL;
    if (!(io->flags & TARN_EVENTFD_DEASSIGN))
        return ioeventfd_assign(tf->domain, io);
    spin_lock_irq(&tf->domain->lock);
    ctx = unassign(tf->domain, io->index, io->queue);
    spin_unlock_irq(&tf->domain->lock);
    if (!ctx)
        return -ENOENT;
    eventfd_ctx_put(ctx);
    return 0;
}

/*
 * An irqfd keeps its place in the eventfd's wait queue, and with ctx that queue, until it is taken
 * off, even if every descriptor of the eventfd is closed before.
 */
struct irqfd {
    struct list_head list;      /* domain->irqfds */
    struct tarn_domain *domain; /* which holds it */
    u32 index;
    struct eventfd_ctx *ctx;
    wait_queue_entry_t wait;
    poll_table table;
};

int tarn_complete(struct tarn_domain *domain, u32 index, u32 bits)
{
    atomic64_inc(&domain->completions);
    return tarn_hypercall3(TARN_HC_VDEV_INTERRUPT, domain->id, index, bits);
}

/* Someone signalled the eventfd: any context, interrupts off, the eventfd's lock held. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
    struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
    u64 count;

    if (key_to_poll(key) & EPOLLIN) {
        eventfd_ctx_do_read(irqfd->ctx, &count);
        tarn_complete(irqfd->domain, irqfd->index, USED_BUFFER);
    }
    return 0;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
    struct irqfd *irqfd = container_of(table, struct irqfd, table);

    add_wait_queue(head, &irqfd->wait);
}

/* irqfd_mutex held. */
static struct irqfd *irqfd_find(struct tarn_domain *domain, u32 index, struct eventfd_ctx *ctx)
{
    struct irqfd *irqfd;

    list_for_each_entry(irqfd, &domain->irqfds,
                        list) if (irqfd->index == index && irqfd->ctx == ctx) return irqfd;
    return NULL;
}

/* Takes over ctx on success. irqfd_mutex held. */
static int irqfd_add(struct tarn_domain *domain, u32 index, struct eventfd_ctx *ctx,
                     struct file *file)
{
    struct irqfd *irqfd;

    if (irqfd_find(domain, index, ctx))
        return -EEXIST;
    if (domain->nr_irqfds == MAX_IRQFDS)
        return -ENOSPC;
    irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
    if (!irqfd)
        return -ENOMEM;
    irqfd->domain = domain;
    irqfd->index = index;
    irqfd->ctx = ctx;
    list_add(&irqfd->list, &domain->irqfds);
    domain->nr_irqfds++;
    init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
    init_poll_funcptr(&irqfd->table, irqfd_queue);
    /* Signalled before: its wake-up has been, so the interrupt is made here. */
    if (vfs_poll(file, &irqfd->table) & EPOLLIN)
        tarn_complete(domain, index, USED_BUFFER);
    return 0;
}

/* On return no wake-up of it is under way. irqfd_mutex held. */
static void irqfd_remove(struct tarn_domain *domain, struct irqfd *irqfd)
{
    u64 count;

    eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
    eventfd_ctx_put(irqfd->ctx);
    list_del(&irqfd->list);
    domain->nr_irqfds--;
    kfree(irqfd);
}

static int irqfd_change(struct tarn_domain *domain, const struct tarn_irqfd *arg,
                        struct eventfd_ctx *ctx, struct file *file)
{
    struct irqfd *irqfd;
    int error = 0;

    mutex_lock(&domain->irqfd_mutex);
    if (!(arg->flags & TARN_EVENTFD_DEASSIGN)) {
        error = irqfd_add(domain, arg->index, ctx, file);
    } else {
        irqfd = irqfd_find(domain, arg->index, ctx);
        if (irqfd)
            irqfd_remove(domain, irqfd);
        else
            error = -ENOENT;
    }
    mutex_unlock(&domain->irqfd_mutex);
    return error;
}

int tarn_irqfd(struct tarn_file *tf, void *arg)
{
    const struct tarn_irqfd *irq = arg;
    struct eventfd_ctx *ctx;
    struct file *file;
    int error;

    if (irq->index >= TARN_MAX_VDEVS || irq->reserved || (irq->flags & ~TARN_EVENTFD_DEASSIGN))
        return -EINVAL;
    file = eventfd_fget(irq->fd);
    if (IS_ERR(file))
        return PTR_ERR(file);
    ctx = eventfd_ctx_fileget(file);
    error = PTR_ERR_OR_ZERO(ctx);
    if (!error) {
        error = irqfd_change(tf->domain, irq, ctx, file);
        if (error || (irq->flags & TARN_EVENTFD_DEASSIGN))
            eventfd_ctx_put(ctx);
    }
    fput(file);
    return error;
}

/* All ioeventfds of a device. */
static void release_queues(struct tarn_domain *domain, u32 index)
{
    struct tarn_queues *row;
    u32 queue;

    spin_lock_irq(&domain->lock);
    row = domain->queues[index];
    for (queue = 0; row && queue < TARN_MAX_QUEUES; queue++)
        if (row->ctx[queue])
            domain->kicks[index] |= BIT_ULL(queue);
    domain->queues[index] = NULL;
    spin_unlock_irq(&domain->lock);
    for (queue = 0; row && queue < TARN_MAX_QUEUES; queue++)
        if (row->ctx[queue])
            eventfd_ctx_put(row->ctx[queue]);
    kfree(row);
}

void tarn_eventfd_release(struct tarn_domain *domain)
{
    struct irqfd *irqfd, *next;
    u32 index;

    for (index = 0; index < TARN_MAX_VDEVS; index++)
        release_queues(domain, index);
    mutex_lock(&domain->irqfd_mutex);
    list_for_each_entry_safe(irqfd, next, &domain->irqfds, list) irqfd_remove(domain, irqfd);
    mutex_unlock(&domain->irqfd_mutex);
}
