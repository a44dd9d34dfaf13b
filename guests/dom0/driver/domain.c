// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's domain objects and the table of them: one per domU that Tarn has, from TARN_CREATE
 * (or the loading of the module) to TARN_DESTROY (or its unloading), whoever holds descriptors.
 */
#define pr_fmt(fmt) "tarn: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

static DEFINE_MUTEX(tarn_table_mutex); /* writers, and readers that may sleep */
static struct tarn_domain __rcu *table[TARN_MAX_DOMAINS];

static struct tarn_domain *entry(u32 id)
{
    return rcu_dereference_protected(table[id], lockdep_is_held(&tarn_table_mutex));
}

static void tarn_domain_free(struct kref *ref)
{
    struct tarn_domain *domain = container_of(ref, struct tarn_domain, ref);

    if (domain->notify)
        memunmap(domain->notify);
    iput(domain->inode);
    kfree(domain);
}

void tarn_domain_put(struct tarn_domain *domain)
{
    kref_put(&domain->ref, tarn_domain_free);
}

static struct tarn_domain *new_domain(u32 id, const char *name, phys_addr_t notify,
                                      phys_addr_t console)
{
    struct tarn_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

    if (!domain)
        return ERR_PTR(-ENOMEM);
    kref_init(&domain->ref);
    domain->id = id;
    strscpy(domain->name, name, sizeof(domain->name));
    domain->console = console;
    mutex_init(&domain->destroying);
    init_rwsem(&domain->life);
    mutex_init(&domain->irqfd_mutex);
    INIT_LIST_HEAD(&domain->irqfds);
    init_waitqueue_head(&domain->wait);
    spin_lock_init(&domain->lock);
    domain->inode = tarn_memory_inode();
    if (IS_ERR(domain->inode)) {
        struct inode *error = domain->inode;

        kfree(domain);
        return ERR_CAST(error);
    }
    domain->notify = memremap(notify, sizeof(*domain->notify), MEMREMAP_WB);
    if (!domain->notify) {
        tarn_domain_put(domain);
        return ERR_PTR(-ENOMEM);
    }
    return domain;
}

/* Gives everything back to Tarn's pool. Bounded, so not to be interrupted half-way. */
static void destroy_in_hypervisor(u32 id)
{
    int error;

    while ((error = tarn_hypercall3(TARN_HC_DOMAIN_DESTROY, id, 0, 0)) == -EAGAIN)
        usleep_range(10, 50); /* the step may wait for other CPUs to leave their guests */
    if (error)
        pr_err(
            "domain %u: the hypervisor did not destroy it (error %d): reboot to have its memory\n",
            id, error);
}

struct tarn_domain *tarn_domain_create(const char *name, u32 vcpus)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_CREATE, .a1 = vcpus};
    struct tarn_domain *domain;
    int error;

    tarn_name_to_regs(&regs, name);
    mutex_lock(&tarn_table_mutex);
    error = tarn_hypercall(&regs);
    if (error) {
        domain = ERR_PTR(error);
    } else if (WARN_ON(regs.a1 >= TARN_MAX_DOMAINS || entry(regs.a1))) {
        domain = ERR_PTR(-EIO);
    } else {
        domain = new_domain(regs.a1, name, regs.a2, regs.a3);
        if (IS_ERR(domain)) {
            destroy_in_hypervisor(regs.a1);
        } else {
            kref_get(&domain->ref);
            rcu_assign_pointer(table[domain->id], domain);
        }
    }
    mutex_unlock(&tarn_table_mutex);
    return domain;
}

struct tarn_domain *tarn_domain_find(const struct tarn_open *wanted)
{
    struct tarn_domain *domain = NULL;
    u32 id;

    mutex_lock(&tarn_table_mutex);
    if (!(wanted->flags & TARN_OPEN_BY_NAME)) {
        domain = wanted->id < TARN_MAX_DOMAINS ? entry(wanted->id) : NULL;
    } else {
        for (id = 0; !domain && id < TARN_MAX_DOMAINS; id++)
            if (entry(id) && strcmp(entry(id)->name, wanted->name) == 0)
                domain = entry(id);
    }
    if (domain)
        kref_get(&domain->ref);
    mutex_unlock(&tarn_table_mutex);
    return domain ? domain : ERR_PTR(-ENOENT);
}

void tarn_table_call(u32 id, void (*fn)(struct tarn_domain *domain))
{
    struct tarn_domain *domain;

    rcu_read_lock();
    domain = id < TARN_MAX_DOMAINS ? rcu_dereference(table[id]) : NULL;
    if (domain)
        fn(domain);
    rcu_read_unlock();
}

/* Out of the table; on return no upcall uses the notify page any more. Drops the table's reference.
 */
static void remove_from_table(struct tarn_domain *domain)
{
    mutex_lock(&tarn_table_mutex);
    RCU_INIT_POINTER(table[domain->id], NULL);
    mutex_unlock(&tarn_table_mutex);
    synchronize_rcu();
    memunmap(domain->notify);
    domain->notify = NULL;
    tarn_domain_put(domain);
}

void tarn_domain_wake(struct tarn_domain *domain)
{
    wake_up_interruptible_poll(&domain->wait, EPOLLIN | EPOLLRDNORM);
}

/* From here on nobody names the domain to Tarn, and its descriptors say EPOLLHUP. */
static int begin_dying(struct tarn_domain *domain)
{
    int error = down_write_killable(&domain->life);

    if (error)
        return error;
    WRITE_ONCE(domain->dying, true);
    up_write(&domain->life);
    wake_up_poll(&domain->wait, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
    return 0;
}

/* destroying held. */
static int destroy_locked(struct tarn_domain *domain)
{
    int error;

    if (domain->destroyed)
        return -ENODEV;
    error = begin_dying(domain);
    if (error)
        return error;
    /* What it still does is lost anyway; it should not make work for those whose I/O we wait for.
     */
    (void)tarn_hypercall3(TARN_HC_DOMAIN_PAUSE, domain->id, 0, 0);
    tarn_eventfd_release(domain);
    error = tarn_memory_revoke(domain);
    if (error)
        return error;
    domain->destroyed = true;
    remove_from_table(domain);
    destroy_in_hypervisor(domain->id);
    return 0;
}

int tarn_domain_destroy(struct tarn_domain *domain)
{
    int error = mutex_lock_interruptible(&domain->destroying);

    if (error)
        return error;
    error = destroy_locked(domain);
    mutex_unlock(&domain->destroying);
    return error;
}

/* What only the driver knows. */
static void add_to_info(struct tarn_info *info)
{
    struct tarn_domain *domain;

    rcu_read_lock();
    domain = info->id < TARN_MAX_DOMAINS ? rcu_dereference(table[info->id]) : NULL;
    if (domain) {
        info->backend = READ_ONCE(domain->backend) != NULL;
        info->requests = atomic64_read(&domain->requests);
        info->completions = atomic64_read(&domain->completions);
        if (READ_ONCE(domain->dying))
            info->state = TARN_STATE_DYING;
    }
    rcu_read_unlock();
}

int tarn_domain_info(struct tarn_info *info)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_INFO, .a1 = info->id};
    int error = tarn_hypercall(&regs);

    if (error)
        return error;
    *info = (struct tarn_info){
        .id = regs.a1,
        .state = regs.a2,
        .reason = regs.a2 >> 8,
        .vcpus = regs.a2 >> 16,
        .memory = regs.a3,
        .cpu_ns = regs.a4,
        .fault = {regs.a11, regs.a12, regs.a13},
    };
    tarn_name_from_regs(info->name, &regs);
    add_to_info(info);
    return 0;
}

static int adopt(const struct arm_smccc_1_2_regs *regs)
{
    char name[TARN_NAME_SIZE];
    struct tarn_domain *domain;

    tarn_name_from_regs(name, regs);
    domain = new_domain(regs->a1, name, regs->a5, regs->a6);
    if (IS_ERR(domain))
        return PTR_ERR(domain);
    rcu_assign_pointer(table[domain->id], domain);
    pr_info("domain %u \"%s\" taken over\n", domain->id, domain->name);
    return 0;
}

int tarn_table_adopt(void)
{
    u64 id = 1; /* 0 is ourselves */
    int error = 0;

    mutex_lock(&tarn_table_mutex);
    while (!error && id < TARN_MAX_DOMAINS) {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_INFO, .a1 = id};

        if (tarn_hypercall(&regs) || WARN_ON(regs.a1 < id || regs.a1 >= TARN_MAX_DOMAINS))
            break;
        id = regs.a1 + 1;
        error = adopt(&regs);
    }
    mutex_unlock(&tarn_table_mutex);
    return error;
}

void tarn_table_drop(void)
{
    u32 id;

    for (id = 0; id < TARN_MAX_DOMAINS; id++) {
        struct tarn_domain *domain;

        mutex_lock(&tarn_table_mutex);
        domain = entry(id);
        mutex_unlock(&tarn_table_mutex);
        if (domain) {
            tarn_upcall_give_back(domain);
            remove_from_table(domain);
        }
    }
}
