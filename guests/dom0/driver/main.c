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

static int version(void *arg)
{
    struct tarn_version *version = arg;

    version->uapi = TARN_UAPI_VERSION;
    version->abi = TARN_ABI_VERSION;
    return 0;
}

static int machine_info(void *arg)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_MACHINE_INFO};
    struct tarn_machine_info *info = arg;
    int error = tarn_hypercall(&regs);

    info->cpus = regs.a1;
    info->pool_total = regs.a2;
    info->pool_free = regs.a3;
    info->heap_total = regs.a4;
    info->heap_free = regs.a5;
    return error;
}

static int domain_info(void *arg)
{
    return tarn_domain_info(arg);
}

static int vcpu_stats(void *arg)
{
    struct tarn_vcpu_stats *stats = arg;
    struct arm_smccc_1_2_regs regs = {
        .a0 = TARN_HC_VCPU_STATS, .a1 = stats->id, .a2 = stats->vcpu, .a3 = stats->group};
    int error = stats->reserved ? -EINVAL : tarn_hypercall(&regs);

    memcpy(stats->counter, (unsigned long *)&regs + 1, sizeof(stats->counter));
    return error;
}

static int affinity(void *arg)
{
    struct tarn_affinity *affinity = arg;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_VCPU_AFFINITY,
                                      .a1 = affinity->id,
                                      .a2 = affinity->vcpu,
                                      .a3 = affinity->cpus,
                                      .a4 = affinity->dedicated};
    int error;

    if (affinity->reserved || affinity->dedicated > 1)
        return -EINVAL;
    error = tarn_hypercall(&regs);
    affinity->cpus = regs.a3;
    affinity->dedicated = regs.a4;
    return error;
}

static int share(void *arg)
{
    struct tarn_share *share = arg;
    struct arm_smccc_1_2_regs regs = {
        .a0 = TARN_HC_DOMAIN_SHARE, .a1 = share->id, .a2 = share->weight, .a3 = share->cap};
    int error = tarn_hypercall(&regs);

    share->weight = regs.a2;
    share->cap = regs.a3;
    return error;
}

static int read_log(void *arg)
{
    struct tarn_log *log = arg;
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_LOG, .a1 = log->position, .a2 = log->level};
    int error = tarn_hypercall(&regs);

    log->position = regs.a1;
    log->count = min_t(u64, regs.a2, TARN_LOG_CHUNK);
    log->level = regs.a3;
    memcpy(log->data, (unsigned long *)&regs + 4, sizeof(log->data));
    return error;
}

static const struct row {
    unsigned int cmd;
    int (*call)(void *arg); /* what it writes is handed out if it returns 0 */
} rows[] = {
    {TARN_VERSION, version},  {TARN_MACHINE_INFO, machine_info},
    {TARN_INFO, domain_info}, {TARN_VCPU_STATS, vcpu_stats},
    {TARN_LOG, read_log},     {TARN_AFFINITY, affinity},
    {TARN_SHARE, share},
};

union argument {
    struct tarn_version version;
    struct tarn_machine_info machine_info;
    struct tarn_info info;
    struct tarn_vcpu_stats vcpu_stats;
    struct tarn_log log;
    struct tarn_affinity affinity;
    struct tarn_share share;
};

static int call_row(const struct row *row, void __user *user)
{
    size_t size = _IOC_SIZE(row->cmd);
    union argument arg = {};
    int error;

    if ((_IOC_DIR(row->cmd) & _IOC_WRITE) && copy_from_user(&arg, user, size))
        return -EFAULT;
    error = row->call(&arg);
    if (error)
        return error;
    return copy_to_user(user, &arg, size) ? -EFAULT : 0;
}

static long tarn_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
    void __user *user = (void __user *)arg;
    size_t i;

    if (cmd == TARN_CREATE)
        return do_create(user);
    if (cmd == TARN_OPEN)
        return do_open(user);
    if (cmd == TARN_TRACE)
        return tarn_trace_open(user);
    for (i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].cmd == cmd)
            return call_row(&rows[i], user);
    return -ENOTTY;
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
