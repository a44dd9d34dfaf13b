// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domain objects: creation, memory, mappings, the end. The objects mirror Tarn's own table, so that
 * they can be made again after this module was reloaded.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "guests/dom0/driver/tarn.h"

#define PAGES_PER_BLOCK (TARN_BLOCK_SIZE / PAGE_SIZE)
#define PIN_WAIT_MS     10000

static DEFINE_MUTEX(table_mutex);
static DEFINE_SPINLOCK(table_lock); /* entries against the upcall */
static struct tarn_domain *table[TARN_MAX_DOMAINS];

static void free_domain(struct kref *ref)
{
    struct tarn_domain *domain = container_of(ref, struct tarn_domain, ref);

    tarn_ioeventfd_free(domain);
    kvfree(domain->block);
    if (domain->notify)
        memunmap(domain->notify);
    kfree(domain);
}

void tarn_domain_put(struct tarn_domain *domain)
{
    kref_put(&domain->ref, free_domain);
}

static struct tarn_domain *new_domain(u32 id, const char *name, phys_addr_t notify,
                                      phys_addr_t console)
{
    struct tarn_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

    if (!domain)
        return NULL;
    kref_init(&domain->ref);
    mutex_init(&domain->mutex);
    spin_lock_init(&domain->lock);
    spin_lock_init(&domain->irqfd_lock);
    init_waitqueue_head(&domain->wait);
    INIT_LIST_HEAD(&domain->irqfds);
    domain->id = id;
    strscpy(domain->name, name, sizeof(domain->name));
    domain->console = console;
    domain->notify = memremap(notify, PAGE_SIZE, MEMREMAP_WB);
    if (!domain->notify) {
        tarn_domain_put(domain);
        return NULL;
    }
    return domain;
}

static void publish(struct tarn_domain *domain)
{
    spin_lock_irq(&table_lock);
    table[domain->id] = domain;
    spin_unlock_irq(&table_lock);
}

/* Drives DESTROY to its end. */
static int destroy_call(u32 id)
{
    int error;

    while ((error = tarn_call3(TARN_HC_DOMAIN_DESTROY, id, 0, 0)) == -EAGAIN)
        cond_resched();
    return error;
}

struct tarn_domain *tarn_domain_create(const char *name, u32 vcpus, struct address_space *mapping)
{
    u64 word[TARN_NAME_SIZE / 8] = {0};
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_CREATE, .a1 = vcpus};
    struct tarn_domain *domain;
    int error;

    strscpy((char *)word, name, sizeof(word));
    regs.a3 = word[0];
    regs.a4 = word[1];
    regs.a5 = word[2];
    regs.a6 = word[3];
    mutex_lock(&table_mutex);
    error = tarn_call(&regs);
    if (error) {
        domain = ERR_PTR(error);
    } else {
        domain = new_domain(regs.a1, name, regs.a2, regs.a3);
        if (domain) {
            domain->mapping = mapping;
            kref_get(&domain->ref); /* the table's */
            publish(domain);
        } else {
            destroy_call(regs.a1);
            domain = ERR_PTR(-ENOMEM);
        }
    }
    mutex_unlock(&table_mutex);
    return domain;
}

struct tarn_domain *tarn_domain_open(const char *name, u32 id, struct address_space *mapping)
{
    struct tarn_domain *found = ERR_PTR(-ENOENT);
    unsigned int i;

    mutex_lock(&table_mutex);
    for (i = 0; i < TARN_MAX_DOMAINS; i++) {
        struct tarn_domain *domain = table[i];
        if (domain && (name[0] ? !strcmp(domain->name, name) : i == id)) {
            kref_get(&domain->ref);
            domain->mapping = mapping;
            found = domain;
        }
    }
    mutex_unlock(&table_mutex);
    return found;
}

void tarn_domain_with(u32 id, void (*fn)(struct tarn_domain *domain))
{
    unsigned long flags;

    spin_lock_irqsave(&table_lock, flags);
    if (table[id])
        fn(table[id]);
    spin_unlock_irqrestore(&table_lock, flags);
}

/* Makes room for blocks up to index. Mutex held. */
static int grow(struct tarn_domain *domain, u64 blocks)
{
    phys_addr_t *bigger;

    if (blocks <= domain->blocks)
        return 0;
    bigger = kvcalloc(blocks, sizeof(*bigger), GFP_KERNEL);
    if (!bigger)
        return -ENOMEM;
    if (domain->blocks)
        memcpy(bigger, domain->block, domain->blocks * sizeof(*bigger));
    kvfree(domain->block);
    domain->block = bigger;
    domain->blocks = blocks;
    return 0;
}

int tarn_domain_populate(struct tarn_domain *domain, u64 ipa, u64 size)
{
    u64 first = (ipa - DOMU_RAM_BASE) / TARN_BLOCK_SIZE;
    u64 count = size / TARN_BLOCK_SIZE;
    u64 i;
    int error;

    if (ipa < DOMU_RAM_BASE || (ipa | size) % TARN_BLOCK_SIZE || size == 0 ||
        size > DOMU_RAM_MAX || ipa - DOMU_RAM_BASE > DOMU_RAM_MAX - size)
        return -EINVAL;
    mutex_lock(&domain->mutex);
    error = grow(domain, first + count);
    for (i = first; !error && i < first + count; i++) {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_POPULATE,
                                          .a1 = domain->id,
                                          .a2 = DOMU_RAM_BASE + i * TARN_BLOCK_SIZE};
        error = tarn_call(&regs);
        if (!error)
            domain->block[i] = regs.a1;
        if (!error && signal_pending(current))
            error = -EINTR;
        cond_resched();
    }
    mutex_unlock(&domain->mutex);
    return error;
}

/* Nothing of dom0 uses the block any more: page counts are what boot left them at. */
static bool block_is_quiet(phys_addr_t block)
{
    struct page *page = pfn_to_page(PHYS_PFN(block));
    unsigned int i;

    for (i = 0; i < PAGES_PER_BLOCK; i++)
        if (page_count(page + i) != 1)
            return false;
    return true;
}

/* I/O in flight holds pages (O_DIRECT, vhost): they must not go to another domain under its feet. */
static int wait_for_pins(struct tarn_domain *domain)
{
    unsigned int waited = 0;
    u64 i = 0;

    while (i < domain->blocks) {
        if (!domain->block[i] || block_is_quiet(domain->block[i])) {
            i++;
            continue;
        }
        if (waited++ >= PIN_WAIT_MS) {
            pr_err("tarn: domain %s is not destroyed: I/O on its memory does not end; stop its "
                   "backend and destroy it again\n",
                   domain->name);
            return -EBUSY;
        }
        msleep(1);
    }
    return 0;
}

static void take_mappings_away(struct tarn_domain *domain)
{
    if (domain->mapping)
        unmap_mapping_range(domain->mapping, (loff_t)domain->id << TARN_DOMAIN_SHIFT,
                            1ll << TARN_DOMAIN_SHIFT, 1);
}

int tarn_domain_destroy(struct tarn_domain *domain)
{
    int error;

    mutex_lock(&table_mutex);
    if (table[domain->id] != domain) {
        mutex_unlock(&table_mutex);
        return -ENODEV;
    }
    /* Stops it first, so that nothing new begins; then no new page is handed out (dead). */
    tarn_call3(TARN_HC_DOMAIN_PAUSE, domain->id, 0, 0);
    mutex_lock(&domain->mutex);
    spin_lock_irq(&domain->lock);
    domain->dead = true;
    spin_unlock_irq(&domain->lock);
    wake_up_all(&domain->wait);
    take_mappings_away(domain);
    error = wait_for_pins(domain);
    mutex_unlock(&domain->mutex);
    if (!error) {
        spin_lock_irq(&table_lock);
        table[domain->id] = NULL;
        spin_unlock_irq(&table_lock);
        tarn_irqfd_free(domain);
        error = destroy_call(domain->id);
        tarn_domain_put(domain);
    }
    mutex_unlock(&table_mutex);
    return error;
}

/* A page of the domain's RAM, or of its console, for user space: an ordinary page, so that it can be
 * pinned for I/O. */
static vm_fault_t tarn_fault(struct vm_fault *vmf)
{
    struct tarn_domain *domain = vmf->vma->vm_private_data;
    u64 offset = ((u64)vmf->pgoff << PAGE_SHIFT) & (BIT_ULL(TARN_DOMAIN_SHIFT) - 1);
    u64 index = offset / TARN_BLOCK_SIZE;
    vm_fault_t result = VM_FAULT_SIGBUS;

    mutex_lock(&domain->mutex);
    if (!domain->dead && index < domain->blocks && domain->block[index]) {
        struct page *page =
            pfn_to_page(PHYS_PFN(domain->block[index] + offset % TARN_BLOCK_SIZE));
        get_page(page);
        vmf->page = page;
        result = 0;
    }
    mutex_unlock(&domain->mutex);
    return result;
}

static void tarn_vma_open(struct vm_area_struct *vma)
{
    kref_get(&((struct tarn_domain *)vma->vm_private_data)->ref);
}

static void tarn_vma_close(struct vm_area_struct *vma)
{
    tarn_domain_put(vma->vm_private_data);
}

static const struct vm_operations_struct tarn_vm_ops = {
    .open = tarn_vma_open,
    .close = tarn_vma_close,
    .fault = tarn_fault,
};

int tarn_domain_mmap(struct tarn_domain *domain, struct vm_area_struct *vma)
{
    u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
    u64 size = vma->vm_end - vma->vm_start;
    int error = 0;

    if (!(vma->vm_flags & VM_SHARED) || offset + size > BIT_ULL(TARN_DOMAIN_SHIFT))
        return -EINVAL;
    vma->vm_pgoff += (u64)domain->id << (TARN_DOMAIN_SHIFT - PAGE_SHIFT);
    vma->vm_private_data = domain;
    vma->vm_flags |= VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP;
    if (offset == TARN_MMAP_CONSOLE && size == PAGE_SIZE)
        error = remap_pfn_range(vma, vma->vm_start, PHYS_PFN(domain->console), PAGE_SIZE,
                                vma->vm_page_prot);
    if (error)
        return error;
    vma->vm_ops = &tarn_vm_ops;
    tarn_vma_open(vma);
    return 0;
}

/* Blocks that Tarn says the domain has, from the first on. */
static int read_blocks(struct tarn_domain *domain, u64 memory)
{
    u64 count = memory / TARN_BLOCK_SIZE;
    u64 i;
    int error = grow(domain, count);

    for (i = 0; !error && i < count; i++) {
        struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_DOMAIN_BLOCK,
                                          .a1 = domain->id,
                                          .a2 = DOMU_RAM_BASE + i * TARN_BLOCK_SIZE};
        if (tarn_call(&regs) == 0)
            domain->block[i] = regs.a1;
    }
    return error;
}

/* Domains that were there before this module. */
void tarn_domains_adopt(void)
{
    struct arm_smccc_1_2_regs regs = {.a1 = 1};

    for (;;) {
        u64 word[TARN_NAME_SIZE / 8];
        char *name = (char *)word;
        struct tarn_domain *domain;

        regs.a0 = TARN_HC_DOMAIN_INFO;
        if (tarn_call(&regs) != 0)
            return;
        word[0] = regs.a7;
        word[1] = regs.a8;
        word[2] = regs.a9;
        word[3] = regs.a10;
        name[TARN_NAME_SIZE - 1] = '\0';
        domain = new_domain(regs.a1, name, regs.a5, regs.a6);
        if (!domain || read_blocks(domain, regs.a3)) {
            pr_err("tarn: no memory to take over domain %s: free some and load tarn again\n", name);
            if (domain)
                tarn_domain_put(domain);
        } else {
            publish(domain);
        }
        regs.a1++;
    }
}

void tarn_domains_drop(void)
{
    unsigned int i;

    for (i = 0; i < TARN_MAX_DOMAINS; i++) {
        struct tarn_domain *domain = table[i];

        spin_lock_irq(&table_lock);
        table[i] = NULL;
        spin_unlock_irq(&table_lock);
        if (domain)
            tarn_domain_put(domain);
    }
}
