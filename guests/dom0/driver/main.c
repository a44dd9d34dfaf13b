// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tarn's driver in dom0: /dev/tarn. This file: the module and the character device.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guests/dom0/driver/tarn.h"

int tarn_call(struct arm_smccc_1_2_regs *regs)
{
    arm_smccc_1_2_hvc(regs, regs);
    return (int)regs->a0;
}

static int tarn_release(struct inode *inode, struct file *file)
{
    struct tarn_file *tf = file->private_data;
    struct tarn_domain *domain = tf->domain;

    if (domain && tf->backend) {
        /* What this backend has not answered, the next one will read again. */
        spin_lock_irq(&domain->lock);
        domain->backend = NULL;
        domain->pending |= domain->in_flight;
        domain->in_flight = 0;
        spin_unlock_irq(&domain->lock);
        tarn_ioeventfd_free(domain);
        tarn_irqfd_free(domain);
    }
    if (domain)
        tarn_domain_put(domain);
    kfree(tf);
    return 0;
}

static int tarn_open(struct inode *inode, struct file *file)
{
    struct tarn_file *tf = kzalloc(sizeof(*tf), GFP_KERNEL);

    if (!tf)
        return -ENOMEM;
    file->private_data = tf;
    return stream_open(inode, file);
}

/* Takes the next event off. Returns false if there is none. Lock held. */
static bool next_event(struct tarn_file *tf, struct tarn_event *event)
{
    struct tarn_domain *domain = tf->domain;

    memset(event, 0, sizeof(*event));
    if (tf->state_seq != domain->state_seq) {
        tf->state_seq = domain->state_seq;
        event->type = TARN_EVENT_TYPE_STATE;
    } else if (tf->backend && domain->pending) {
        u32 vcpu = __ffs64(domain->pending);
        const struct tarn_request *request = &domain->notify->request[vcpu];

        domain->pending &= ~BIT_ULL(vcpu);
        domain->in_flight |= BIT_ULL(vcpu);
        event->type = TARN_EVENT_TYPE_REQUEST;
        event->vcpu = vcpu;
        event->device = request->device;
        event->offset = request->offset;
        event->write = request->write;
        event->size = request->size;
        event->value = request->value;
    } else if (tf->backend && domain->console_pending) {
        domain->console_pending = false;
        event->type = TARN_EVENT_TYPE_CONSOLE;
    }
    return event->type != 0;
}

static bool has_event(struct tarn_file *tf)
{
    struct tarn_domain *domain = tf->domain;

    return domain->dead || tf->state_seq != domain->state_seq ||
           (tf->backend && (domain->pending || domain->console_pending));
}

static ssize_t tarn_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
    struct tarn_file *tf = file->private_data;
    struct tarn_domain *domain = tf->domain;
    struct tarn_event event;
    bool got;

    if (!domain || size < sizeof(event))
        return -EINVAL;
    for (;;) {
        spin_lock_irq(&domain->lock);
        got = next_event(tf, &event);
        spin_unlock_irq(&domain->lock);
        if (got)
            return copy_to_user(buffer, &event, sizeof(event)) ? -EFAULT : (ssize_t)sizeof(event);
        if (domain->dead)
            return -ENODEV;
        if (file->f_flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event_interruptible(domain->wait, has_event(tf)))
            return -ERESTARTSYS;
    }
}

static __poll_t tarn_poll(struct file *file, poll_table *wait)
{
    struct tarn_file *tf = file->private_data;
    __poll_t events = 0;

    if (!tf->domain)
        return EPOLLERR;
    poll_wait(file, &tf->domain->wait, wait);
    spin_lock_irq(&tf->domain->lock);
    if (has_event(tf))
        events |= EPOLLIN | EPOLLRDNORM;
    if (tf->domain->dead)
        events |= EPOLLHUP;
    spin_unlock_irq(&tf->domain->lock);
    return events;
}

static int tarn_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct tarn_file *tf = file->private_data;

    return tf->domain ? tarn_domain_mmap(tf->domain, vma) : -EINVAL;
}

static int get_machine(struct tarn_machine *machine)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_MACHINE_INFO};
    int error = tarn_call(&regs);

    *machine = (struct tarn_machine){
        .abi = TARN_ABI_VERSION,
        .cpus = regs.a1,
        .pool_total = regs.a2,
        .pool_free = regs.a3,
        .heap_total = regs.a4,
        .heap_free = regs.a5,
    };
    return error;
}

static int get_info(struct tarn_info *info)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_INFO, .a1 = info->id};
    int error = tarn_call(&regs);
    u64 name[TARN_NAME_SIZE / 8] = {regs.a7, regs.a8, regs.a9, regs.a10};

    if (error)
        return error;
    *info = (struct tarn_info){
        .id = regs.a1,
        .state = regs.a2 & 0xff,
        .reason = (regs.a2 >> 8) & 0xff,
        .vcpus = (regs.a2 >> 16) & 0xffff,
        .memory = regs.a3,
        .cpu_ns = regs.a4,
    };
    memcpy(info->name, name, TARN_NAME_SIZE);
    return 0;
}

/* Binds a file to a domain; the caller's reference goes with it. */
static int bind(struct file *file, struct tarn_domain *domain, bool backend)
{
    struct tarn_file *tf = file->private_data;
    int error = 0;

    if (IS_ERR(domain))
        return PTR_ERR(domain);
    spin_lock_irq(&domain->lock);
    if (backend && domain->backend)
        error = -EBUSY;
    else if (backend)
        domain->backend = file;
    spin_unlock_irq(&domain->lock);
    if (error) {
        tarn_domain_put(domain);
        return error;
    }
    tf->backend = backend;
    /* A new backend looks at the state once, whatever it was. */
    tf->state_seq = backend ? domain->state_seq - 1 : domain->state_seq;
    tf->domain = domain;
    if (backend)
        tarn_domain_look(domain);
    return 0;
}

static int do_create(struct file *file, struct tarn_create *arg)
{
    int error;

    arg->name[TARN_NAME_SIZE - 1] = '\0';
    error = bind(file, tarn_domain_create(arg->name, arg->vcpus, file->f_mapping), false);
    if (!error)
        arg->id = ((struct tarn_file *)file->private_data)->domain->id;
    return error;
}

static int do_open(struct file *file, struct tarn_open *arg)
{
    int error;

    if (arg->flags & ~TARN_OPEN_BACKEND)
        return -EINVAL;
    arg->name[TARN_NAME_SIZE - 1] = '\0';
    error = bind(file, tarn_domain_open(arg->name, arg->id, file->f_mapping),
                 arg->flags & TARN_OPEN_BACKEND);
    if (!error)
        arg->id = ((struct tarn_file *)file->private_data)->domain->id;
    return error;
}

/* A call that says EAGAIN until it is done. */
static int call_until_done(u32 function, u32 id)
{
    for (;;) {
        int error = tarn_call3(function, id, 0, 0);
        if (error != -EAGAIN)
            return error;
        if (signal_pending(current))
            return -ERESTARTSYS;
        cond_resched();
    }
}

union tarn_arg {
    struct tarn_machine machine;
    struct tarn_info info;
    struct tarn_create create;
    struct tarn_open open;
    struct tarn_region region;
    struct tarn_entry entry;
    struct tarn_vdev vdev;
    struct tarn_ioeventfd ioeventfd;
    struct tarn_irqfd irqfd;
    struct tarn_interrupt interrupt;
    struct tarn_reply reply;
    struct tarn_input input;
};

/* Calls on the domain as such: not for backends. */
static int control_ioctl(struct tarn_domain *domain, unsigned int cmd, union tarn_arg *arg)
{
    switch (cmd) {
    case TARN_IOC_POPULATE:
        return tarn_domain_populate(domain, arg->region.ipa, arg->region.size);
    case TARN_IOC_ENTRY: {
        struct arm_smccc_1_2_regs regs = {
            .a0 = TARN_HC_VCPU_INIT, .a1 = domain->id, .a3 = arg->entry.pc, .a4 = arg->entry.x0};
        return tarn_call(&regs);
    }
    case TARN_IOC_START:
        return tarn_call3(TARN_HC_DOMAIN_START, domain->id, 0, 0);
    case TARN_IOC_PAUSE:
        return call_until_done(TARN_HC_DOMAIN_PAUSE, domain->id);
    case TARN_IOC_UNPAUSE:
        return tarn_call3(TARN_HC_DOMAIN_UNPAUSE, domain->id, 0, 0);
    case TARN_IOC_DESTROY:
        return tarn_domain_destroy(domain);
    case TARN_IOC_VDEV: {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VDEV_CREATE,
                                          .a1 = domain->id,
                                          .a2 = arg->vdev.index,
                                          .a3 = arg->vdev.device_id,
                                          .a4 = arg->vdev.queues};
        return tarn_call(&regs);
    }
    default:
        return -ENOTTY;
    }
}

static int do_reply(struct tarn_domain *domain, const struct tarn_reply *arg)
{
    bool ours;

    if (arg->vcpu >= TARN_MAX_VCPUS)
        return -EINVAL;
    spin_lock_irq(&domain->lock);
    ours = domain->in_flight & BIT_ULL(arg->vcpu);
    domain->in_flight &= ~BIT_ULL(arg->vcpu);
    spin_unlock_irq(&domain->lock);
    if (!ours)
        return -EINVAL;
    return tarn_call3(TARN_HC_REQUEST_REPLY, domain->id, arg->vcpu, arg->value);
}

static int do_input(struct tarn_domain *domain, struct tarn_input *arg)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_CONSOLE_INPUT, .a1 = domain->id};
    int error;

    if (arg->count == 0 || arg->count > sizeof(arg->data))
        return -EINVAL;
    regs.a2 = arg->count;
    memcpy(&regs.a3, arg->data, sizeof(arg->data));
    error = tarn_call(&regs);
    arg->taken = error ? 0 : regs.a1;
    return error;
}

static int domain_ioctl(struct tarn_file *tf, unsigned int cmd, union tarn_arg *arg)
{
    struct tarn_domain *domain = tf->domain;

    if (!domain)
        return -EINVAL;
    if (domain->dead)
        return -ENODEV;
    switch (cmd) {
    case TARN_IOC_IOEVENTFD:
        return tarn_ioeventfd(domain, &arg->ioeventfd);
    case TARN_IOC_IRQFD:
        return tarn_irqfd(domain, &arg->irqfd);
    case TARN_IOC_INTERRUPT:
        return tarn_call3(TARN_HC_VDEV_INTERRUPT, domain->id, arg->interrupt.index,
                          arg->interrupt.bits);
    case TARN_IOC_REPLY:
        return do_reply(domain, &arg->reply);
    case TARN_IOC_INPUT:
        return do_input(domain, &arg->input);
    default:
        return tf->backend ? -EPERM : control_ioctl(domain, cmd, arg);
    }
}

static long tarn_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
    struct tarn_file *tf = file->private_data;
    union tarn_arg arg = {0};
    int result;

    if (_IOC_TYPE(cmd) != TARN_IOC || _IOC_SIZE(cmd) > sizeof(arg))
        return -ENOTTY;
    if ((_IOC_DIR(cmd) & _IOC_WRITE) && copy_from_user(&arg, (void __user *)user, _IOC_SIZE(cmd)))
        return -EFAULT;
    if (cmd == TARN_IOC_MACHINE)
        result = get_machine(&arg.machine);
    else if (cmd == TARN_IOC_INFO)
        result = get_info(&arg.info);
    else if (cmd == TARN_IOC_CREATE)
        result = tf->domain ? -EBUSY : do_create(file, &arg.create);
    else if (cmd == TARN_IOC_OPEN)
        result = tf->domain ? -EBUSY : do_open(file, &arg.open);
    else
        result = domain_ioctl(tf, cmd, &arg);
    if (result == 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
        copy_to_user((void __user *)user, &arg, _IOC_SIZE(cmd)))
        return -EFAULT;
    return result;
}

static const struct file_operations tarn_fops = {
    .owner = THIS_MODULE,
    .open = tarn_open,
    .release = tarn_release,
    .read = tarn_read,
    .poll = tarn_poll,
    .mmap = tarn_mmap,
    .unlocked_ioctl = tarn_ioctl,
    .llseek = no_llseek,
};

static struct miscdevice tarn_device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "tarn",
    .fops = &tarn_fops,
    .mode = 0600,
};

static int __init tarn_init(void)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VERSION};
    struct device_node *node = of_find_compatible_node(NULL, NULL, TARN_HYP_COMPATIBLE);
    int error;

    if (!node) {
        pr_err("tarn: not running under Tarn (no \"%s\" in the device tree)\n",
               TARN_HYP_COMPATIBLE);
        return -ENODEV;
    }
    of_node_put(node);
    error = tarn_call(&regs);
    if (error || regs.a1 != TARN_ABI_VERSION || regs.a2 != 0) {
        pr_err("tarn: this driver speaks ABI %d to Tarn as dom0, Tarn says %d, domain %d: install "
               "the driver that came with it\n",
               TARN_ABI_VERSION, error ? error : (int)regs.a1, (int)regs.a2);
        return -ENODEV;
    }
    error = tarn_irqfd_init();
    if (error)
        return error;
    error = tarn_upcall_init();
    if (error)
        goto no_upcall;
    tarn_domains_adopt();
    error = misc_register(&tarn_device);
    if (error)
        goto no_device;
    return 0;

no_device:
    tarn_domains_drop();
    tarn_upcall_exit();
no_upcall:
    tarn_irqfd_exit();
    return error;
}

static void __exit tarn_exit(void)
{
    misc_deregister(&tarn_device);
    tarn_upcall_exit();
    tarn_domains_drop();
    tarn_irqfd_exit();
}

module_init(tarn_init);
module_exit(tarn_exit);
MODULE_DESCRIPTION("Tarn hypervisor: control of domains from dom0");
MODULE_LICENSE("GPL");
