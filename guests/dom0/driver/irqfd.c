// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: a signal on an eventfd becomes the device's used-buffer interrupt, straight from the
 * signaller's context, as KVM's irqfd does it.
 */
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "guests/dom0/driver/tarn.h"

#define INTERRUPT_USED_BUFFER 1

struct irqfd {
    struct list_head list; /* domain->irqfds, under domain->irqfd_lock */
    struct tarn_domain *domain;
    u32 id, index;
    struct eventfd_ctx *ctx;
    wait_queue_entry_t wait;
    poll_table table;
    struct work_struct end;
};

static struct workqueue_struct *cleanup;

int tarn_irqfd_init(void)
{
    cleanup = alloc_workqueue("tarn-irqfd", 0, 0);
    return cleanup ? 0 : -ENOMEM;
}

void tarn_irqfd_exit(void)
{
    destroy_workqueue(cleanup);
}

static void end_irqfd(struct work_struct *work)
{
    struct irqfd *irqfd = container_of(work, struct irqfd, end);
    u64 count;

    eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
    eventfd_ctx_put(irqfd->ctx);
    tarn_domain_put(irqfd->domain);
    kfree(irqfd);
}

/* Takes it out of its domain's list; whoever does so ends it. List lock held. */
static void deactivate(struct irqfd *irqfd)
{
    list_del_init(&irqfd->list);
    queue_work(cleanup, &irqfd->end);
}

/* Called by eventfd_signal with its wait-queue lock held, irqs off. */
static int wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
    struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
    __poll_t flags = key_to_poll(key);

    if (flags & EPOLLIN) {
        u64 count;

        eventfd_ctx_do_read(irqfd->ctx, &count);
        tarn_call3(TARN_HC_VDEV_INTERRUPT, irqfd->id, irqfd->index, INTERRUPT_USED_BUFFER);
    }
    if (flags & EPOLLHUP) {
        unsigned long irq_flags;

        spin_lock_irqsave(&irqfd->domain->irqfd_lock, irq_flags);
        if (!list_empty(&irqfd->list))
            deactivate(irqfd);
        spin_unlock_irqrestore(&irqfd->domain->irqfd_lock, irq_flags);
    }
    return 0;
}

static void queue_up(struct file *file, wait_queue_head_t *head, poll_table *table)
{
    struct irqfd *irqfd = container_of(table, struct irqfd, table);

    add_wait_queue_priority(head, &irqfd->wait);
}

int tarn_irqfd(struct tarn_domain *domain, const struct tarn_irqfd *arg)
{
    struct irqfd *irqfd;
    struct fd f;
    __poll_t events;

    if (arg->index >= TARN_MAX_VDEVS)
        return -EINVAL;
    f = fdget(arg->fd);
    if (!f.file)
        return -EBADF;
    irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL);
    if (!irqfd) {
        fdput(f);
        return -ENOMEM;
    }
    irqfd->ctx = eventfd_ctx_fileget(f.file);
    if (IS_ERR(irqfd->ctx)) {
        int error = PTR_ERR(irqfd->ctx);

        kfree(irqfd);
        fdput(f);
        return error;
    }
    kref_get(&domain->ref);
    irqfd->domain = domain;
    irqfd->id = domain->id;
    irqfd->index = arg->index;
    INIT_WORK(&irqfd->end, end_irqfd);
    init_waitqueue_func_entry(&irqfd->wait, wakeup);
    init_poll_funcptr(&irqfd->table, queue_up);
    spin_lock_irq(&domain->irqfd_lock);
    list_add(&irqfd->list, &domain->irqfds);
    spin_unlock_irq(&domain->irqfd_lock);
    events = vfs_poll(f.file, &irqfd->table);
    if (events & EPOLLIN)
        tarn_call3(TARN_HC_VDEV_INTERRUPT, irqfd->id, irqfd->index, INTERRUPT_USED_BUFFER);
    fdput(f);
    return 0;
}

void tarn_irqfd_free(struct tarn_domain *domain)
{
    struct irqfd *irqfd, *next;

    spin_lock_irq(&domain->irqfd_lock);
    list_for_each_entry_safe(irqfd, next, &domain->irqfds, list)
        deactivate(irqfd);
    spin_unlock_irq(&domain->irqfd_lock);
    flush_workqueue(cleanup);
}
