// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module tarn and its device /dev/tarn, which makes and finds domains. Everything about one
 * domain is said to its own descriptor (file.c).
 */
#define pr_fmt(fmt) "tarn: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/uaccess.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

/*
 * Opens a descriptor, writes its number to *fd, copies arg out to the caller, and only then makes
 * the descriptor usable. Takes over the reference to the domain.
 */
static int hand_out(struct tarn_domain *domain, bool backend, s32 *fd, void __user *user,
                    const void *arg, size_t size)
{
    struct file *file = tarn_file_new(domain, backend);

    if (IS_ERR(file)) {
        tarn_domain_put(domain);
        return PTR_ERR(file);
    }
    *fd = get_unused_fd_flags(O_CLOEXEC);
    if (*fd < 0) {
        fput(file);
        return *fd;
    }
    if (copy_to_user(user, arg, size)) {
        put_unused_fd(*fd);
        fput(file);
        return -EFAULT;
    }
    fd_install(*fd, file);
    return 0;
}

static bool is_name(const char *name)
{
    size_t length = strnlen(name, TARN_NAME_SIZE);
    size_t i;

    for (i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return length > 0 && length < TARN_NAME_SIZE;
}

static int do_create(void __user *user)
{
    char name[TARN_NAME_SIZE] = {}; /* what follows the NUL is not the caller's to choose */
    struct tarn_create arg;
    struct tarn_domain *domain;
    int error;

    if (copy_from_user(&arg, user, sizeof(arg)))
        return -EFAULT;
    if (arg.flags || !is_name(arg.name))
        return -EINVAL;
    strscpy(name, arg.name, sizeof(name));
    domain = tarn_domain_create(name, arg.vcpus);
    if (IS_ERR(domain))
        return PTR_ERR(domain);
    arg.id = domain->id;
    kref_get(&domain->ref);
    error = hand_out(domain, false, &arg.fd, user, &arg, sizeof(arg));
    if (error)
        tarn_domain_destroy(domain); /* nobody knows it, nothing is in its memory: cannot fail */
    tarn_domain_put(domain);
    return error;
}

static int do_open(void __user *user)
{
    struct tarn_open arg;
    struct tarn_domain *domain;

    if (copy_from_user(&arg, user, sizeof(arg)))
        return -EFAULT;
    if ((arg.flags & ~(TARN_OPEN_BY_NAME | TARN_OPEN_BACKEND)) || arg.reserved)
        return -EINVAL;
    if ((arg.flags & TARN_OPEN_BY_NAME) && !is_name(arg.name))
        return -EINVAL;
    domain = tarn_domain_find(&arg);
    if (IS_ERR(domain))
        return PTR_ERR(domain);
    arg.id = domain->id;
    return hand_out(domain, arg.flags & TARN_OPEN_BACKEND, &arg.fd, user, &arg, sizeof(arg));
}

static int do_version(void __user *user)
{
    struct tarn_version version = {.uapi = TARN_UAPI_VERSION, .abi = TARN_ABI_VERSION};

    return copy_to_user(user, &version, sizeof(version)) ? -EFAULT : 0;
}

static int do_machine_info(void __user *user)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_MACHINE_INFO};
    int error = tarn_hypercall(&regs);
    struct tarn_machine_info info = {
        .cpus = regs.a1,
        .pool_total = regs.a2,
        .pool_free = regs.a3,
        .heap_total = regs.a4,
        .heap_free = regs.a5,
    };

    if (error)
        return error;
    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static int do_info(void __user *user)
{
    struct tarn_info info;
    int error;

    if (copy_from_user(&info, user, sizeof(info)))
        return -EFAULT;
    error = tarn_domain_info(&info);
    if (error)
        return error;
    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static int do_vcpu_stats(void __user *user)
{
    struct tarn_vcpu_stats stats;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VCPU_STATS};
    int error;

    if (copy_from_user(&stats, user, sizeof(stats)))
        return -EFAULT;
    if (stats.reserved)
        return -EINVAL;
    regs.a1 = stats.id;
    regs.a2 = stats.vcpu;
    regs.a3 = stats.group;
    error = tarn_hypercall(&regs);
    if (error)
        return error;
    memcpy(stats.counter, (unsigned long *)&regs + 1, sizeof(stats.counter));
    return copy_to_user(user, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static int do_affinity(void __user *user)
{
    struct tarn_affinity affinity;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VCPU_AFFINITY};
    int error;

    if (copy_from_user(&affinity, user, sizeof(affinity)))
        return -EFAULT;
    if (affinity.reserved || affinity.dedicated > 1)
        return -EINVAL;
    regs.a1 = affinity.id;
    regs.a2 = affinity.vcpu;
    regs.a3 = affinity.cpus;
    regs.a4 = affinity.dedicated;
    error = tarn_hypercall(&regs);
    if (error)
        return error;
    affinity.cpus = regs.a3;
    affinity.dedicated = regs.a4;
    return copy_to_user(user, &affinity, sizeof(affinity)) ? -EFAULT : 0;
}

static int do_share(void __user *user)
{
    struct tarn_share share;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_SHARE};
    int error;

    if (copy_from_user(&share, user, sizeof(share)))
        return -EFAULT;
    regs.a1 = share.id;
    regs.a2 = share.weight;
    regs.a3 = share.cap;
    error = tarn_hypercall(&regs);
    if (error)
        return error;
    share.weight = regs.a2;
    share.cap = regs.a3;
    return copy_to_user(user, &share, sizeof(share)) ? -EFAULT : 0;
}

static int do_log(void __user *user)
{
    struct tarn_log log;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_LOG};
    int error;

    if (copy_from_user(&log, user, sizeof(log)))
        return -EFAULT;
    regs.a1 = log.position;
    regs.a2 = log.level;
    error = tarn_hypercall(&regs);
    if (error)
        return error;
    log.position = regs.a1;
    log.count = min_t(u64, regs.a2, TARN_LOG_CHUNK);
    log.level = regs.a3;
    memcpy(log.data, (unsigned long *)&regs + 4, sizeof(log.data));
    return copy_to_user(user, &log, sizeof(log)) ? -EFAULT : 0;
}

static long tarn_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    void __user *user = (void __user *)arg;

    switch (cmd) {
    case TARN_VERSION:
        return do_version(user);
    case TARN_MACHINE_INFO:
        return do_machine_info(user);
    case TARN_CREATE:
        return do_create(user);
    case TARN_OPEN:
        return do_open(user);
    case TARN_INFO:
        return do_info(user);
    case TARN_VCPU_STATS:
        return do_vcpu_stats(user);
    case TARN_LOG:
        return do_log(user);
    case TARN_AFFINITY:
        return do_affinity(user);
    case TARN_SHARE:
        return do_share(user);
    default:
        return -ENOTTY;
    }
}

static const struct file_operations tarn_device_ops = {
    .owner = THIS_MODULE,
    .unlocked_ioctl = tarn_device_ioctl,
    .compat_ioctl = compat_ptr_ioctl,
    .llseek = noop_llseek,
};

static struct miscdevice tarn_device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "tarn",
    .mode = 0600,
    .fops = &tarn_device_ops,
};

/* Is this dom0, of a hypervisor that speaks our version? Without its node no HVC is tried. */
static int check_hypervisor(void)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VERSION};
    struct device_node *node = of_find_compatible_node(NULL, NULL, TARN_HYP_COMPATIBLE);

    of_node_put(node);
    if (!node) {
        pr_err(
            "no \"%s\" node in the device tree: this is not dom0 of Tarn, do not load tarn here\n",
            TARN_HYP_COMPATIBLE);
        return -ENODEV;
    }
    if (tarn_hypercall(&regs)) {
        pr_err("the hypervisor does not answer: its device-tree node is not its own, boot Tarn\n");
        return -ENODEV;
    }
    if (regs.a1 != TARN_ABI_VERSION) {
        pr_err(
            "the hypervisor speaks ABI version %lu, this module %d: install those of one build\n",
            regs.a1, TARN_ABI_VERSION);
        return -ENODEV;
    }
    return 0;
}

static int __init tarn_init(void)
{
    int error = check_hypervisor();

    if (error)
        return error;
    error = tarn_memory_init();
    if (error)
        return error;
    error = tarn_upcall_init();
    if (error)
        goto no_upcall;
    error = tarn_table_adopt();
    if (error)
        goto no_table;
    error = tarn_upcall_enable();
    if (error)
        goto no_table;
    error = misc_register(&tarn_device);
    if (!error)
        return 0;
no_table:
    tarn_upcall_exit();
    tarn_table_drop();
no_upcall:
    tarn_memory_exit();
    return error;
}

static void __exit tarn_exit(void)
{
    misc_deregister(&tarn_device);
    tarn_upcall_exit();
    tarn_table_drop();
    tarn_memory_exit();
}

module_init(tarn_init);
module_exit(tarn_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("dom0's control of domains under the Tarn hypervisor");
MODULE_ALIAS("of:N*T*Ctarn,hypervisor");
