// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domain descriptors: who may do what, events, lifetime. What the ioctls do is in control.c and
 * eventfd.c, mmap in memory.c.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guests/dom0/driver/domain.h"

/* Detaches the backend: what it did not answer, the next one will read. */
static void detach(struct tarn_domain *domain)
{
    tarn_eventfd_release(domain);
    spin_lock_irq(&domain->lock);
    domain->backend = NULL;
    domain->posted |= domain->taken;
    domain->taken = 0;
    spin_unlock_irq(&domain->lock);
}

static int attach(struct tarn_domain *domain, struct tarn_file *tf)
{
    int error = 0;

    spin_lock_irq(&domain->lock);
    if (READ_ONCE(domain->dying)) {
        error = -ENODEV;
    } else if (domain->backend) {
        error = -EBUSY;
    } else {
        domain->backend = tf;
        domain->console_news = true; /* its predecessor may have been told, and not have looked */
    }
    spin_unlock_irq(&domain->lock);
    return error;
}

static int tarn_file_release(struct inode *inode, struct file *file)
{
    struct tarn_file *tf = file->private_data;

    if (tf->backend)
        detach(tf->domain);
    tarn_domain_put(tf->domain);
    kfree(tf);
    return 0;
}

/* domain->lock held. */
static bool has_state(const struct tarn_file *tf)
{
    return tf->changes != tf->domain->changes;
}

static bool has_request(const struct tarn_file *tf)
{
    return tf->backend && tf->domain->posted;
}

static bool has_console(const struct tarn_file *tf)
{
    return tf->backend && tf->domain->console_news;
}

static bool has_event(struct tarn_file *tf)
{
    bool has;

    spin_lock_irq(&tf->domain->lock);
    has = has_state(tf) || has_request(tf) || has_console(tf);
    spin_unlock_irq(&tf->domain->lock);
    return has;
}

static void take_request(struct tarn_domain *domain, struct tarn_event *event)
{
    u32 vcpu = __ffs64(domain->posted);
    const struct tarn_request *request = &domain->notify->request[vcpu];

    domain->posted &= ~BIT_ULL(vcpu);
    domain->taken |= BIT_ULL(vcpu);
    event->type = TARN_EV_REQUEST;
    event->offset = request->offset;
    event->value = request->value;
    event->vcpu = vcpu;
    event->device = request->device;
    event->write = request->write;
    event->size = request->size;
}

/* Takes the next event. Returns false if there is none. life held, the domain is not dying. */
static bool next_event(struct tarn_file *tf, struct tarn_event *event)
{
    struct tarn_domain *domain = tf->domain;
    struct tarn_info info = {.id = domain->id};

    memset(event, 0, sizeof(*event));
    spin_lock_irq(&domain->lock);
    if (has_state(tf)) {
        tf->changes = domain->changes;
        event->type = TARN_EV_STATE;
    } else if (has_request(tf)) {
        take_request(domain, event);
    } else if (has_console(tf)) {
        domain->console_news = false;
        event->type = TARN_EV_CONSOLE;
    }
    spin_unlock_irq(&domain->lock);
    if (event->type == TARN_EV_STATE && tarn_domain_info(&info) == 0) {
        event->state = info.state;
        event->reason = info.reason;
    }
    return event->type != 0;
}

/* One event, or 0 if there is none, or -ENODEV. */
static int take_event(struct tarn_file *tf, struct tarn_event *event)
{
    int result;

    down_read(&tf->domain->life);
    result = tf->domain->dying ? -ENODEV : next_event(tf, event);
    up_read(&tf->domain->life);
    return result;
}

static ssize_t tarn_file_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
    struct tarn_file *tf = file->private_data;
    struct tarn_event event;
    size_t done = 0;

    if (size < sizeof(event))
        return -EINVAL;
    for (;;) {
        while (size - done >= sizeof(event)) {
            int taken = take_event(tf, &event);

            if (taken < 0)
                return done; /* the domain is gone: end of file */
            if (!taken)
                break;
            if (copy_to_user(buffer + done, &event, sizeof(event)))
                return done ? done : -EFAULT;
            done += sizeof(event);
        }
        if (done)
            return done;
        if (file->f_flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(tf->domain->wait,
                                     has_event(tf) || READ_ONCE(tf->domain->dying)))
            return -ERESTARTSYS;
    }
}

static __poll_t tarn_file_poll(struct file *file, poll_table *wait)
{
    struct tarn_file *tf = file->private_data;

    poll_wait(file, &tf->domain->wait, wait);
    if (READ_ONCE(tf->domain->dying))
        return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
    return has_event(tf) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int tarn_file_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct tarn_file *tf = file->private_data;

    return tarn_memory_mmap(tf->domain, vma);
}

static int own_info(struct tarn_file *tf, void *arg)
{
    struct tarn_info *info = arg;

    info->id = tf->domain->id;
    return tarn_domain_info(info);
}

#define CONTROL 1
#define BACKEND 2

static const struct row {
    unsigned int cmd;
    unsigned int who; /* CONTROL, BACKEND or both */
    int (*call)(struct tarn_file *tf, void *arg);
} rows[] = {
    {TARN_INFO, CONTROL | BACKEND, own_info},
    {TARN_POPULATE, CONTROL, tarn_populate},
    {TARN_SHARE_MEMORY, CONTROL, tarn_share_memory},
    {TARN_VCPU_INIT, CONTROL, tarn_vcpu_init},
    {TARN_START, CONTROL, tarn_start},
    {TARN_PAUSE, CONTROL, tarn_pause},
    {TARN_UNPAUSE, CONTROL, tarn_unpause},
    {TARN_VDEV_CREATE, CONTROL, tarn_vdev_create},
    {TARN_IOEVENTFD, BACKEND, tarn_ioeventfd},
    {TARN_IRQFD, BACKEND, tarn_irqfd},
    {TARN_REPLY, BACKEND, tarn_reply},
    {TARN_INTERRUPT, CONTROL | BACKEND, tarn_interrupt},
    {TARN_WATCHDOG, CONTROL | BACKEND, tarn_watchdog},
    {TARN_CONSOLE_INPUT, CONTROL | BACKEND, tarn_console_input},
    {TARN_MEMORY, CONTROL | BACKEND, tarn_memory_fd},
};

union argument {
    struct tarn_info info;
    struct tarn_populate populate;
    struct tarn_share_memory share_memory;
    struct tarn_vcpu_init vcpu_init;
    struct tarn_vdev_create vdev_create;
    struct tarn_ioeventfd ioeventfd;
    struct tarn_irqfd irqfd;
    struct tarn_reply reply;
    struct tarn_interrupt interrupt;
    struct tarn_console_input console_input;
};

/* life is held for the call alone, never over a copy: a page fault on our own mapping takes it. */
static int call_row(struct tarn_file *tf, const struct row *row, void __user *user)
{
    size_t size = _IOC_SIZE(row->cmd);
    union argument arg = {};
    int error;

    if ((_IOC_DIR(row->cmd) & _IOC_WRITE) && copy_from_user(&arg, user, size))
        return -EFAULT;
    down_read(&tf->domain->life);
    error = tf->domain->dying ? -ENODEV : row->call(tf, &arg);
    up_read(&tf->domain->life);
    /* After an error, too: TARN_POPULATE tells how far it came. */
    if ((_IOC_DIR(row->cmd) & _IOC_READ) && copy_to_user(user, &arg, size))
        return -EFAULT;
    return error;
}

static long tarn_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    struct tarn_file *tf = file->private_data;
    unsigned int who = tf->backend ? BACKEND : CONTROL;
    size_t i;

    if (cmd == TARN_DESTROY)
        return who == CONTROL ? tarn_domain_destroy(tf->domain) : -EPERM;
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].cmd == cmd)
            return rows[i].who & who ? call_row(tf, &rows[i], (void __user *)arg) : -EPERM;
    return -ENOTTY;
}

static const struct file_operations tarn_file_ops = {
    .owner = THIS_MODULE,
    .release = tarn_file_release,
    .read = tarn_file_read,
    .poll = tarn_file_poll,
    .mmap = tarn_file_mmap,
    .unlocked_ioctl = tarn_file_ioctl,
    .compat_ioctl = compat_ptr_ioctl,
    .llseek = noop_llseek,
};

struct file *tarn_file_new(struct tarn_domain *domain, bool backend)
{
    struct tarn_file *tf = kzalloc(sizeof(*tf), GFP_KERNEL);
    struct file *file;
    int error;

    if (!tf)
        return ERR_PTR(-ENOMEM);
    tf->domain = domain;
    tf->backend = backend;
    tf->changes = READ_ONCE(domain->changes) - 1; /* it begins with a state event */
    error = backend ? attach(domain, tf) : 0;
    if (error) {
        kfree(tf);
        return ERR_PTR(error);
    }
    file = anon_inode_getfile("[tarn-domain]", &tarn_file_ops, tf, O_RDWR);
    if (IS_ERR(file)) {
        if (backend)
            detach(domain);
        kfree(tf);
        return file;
    }
    file->f_mapping = domain->inode->i_mapping;
    return file;
}
