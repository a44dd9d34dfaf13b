// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain's memory in dom0: user mappings, and their end. The pages are those of dom0's linear map
 * (the pool is reserved memory with page structs, reference count 1 and PG_reserved for ever), put
 * into page tables as ordinary ones, so that get_user_pages works on them and with it O_DIRECT,
 * io_uring and vhost. Where a block lies, Tarn knows: it is asked at each fault, nothing is kept.
 */
#define pr_fmt(fmt) "tarn: " fmt

#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

#define BLOCK_PAGES  (TARN_BLOCK_SIZE / PAGE_SIZE)
#define WAIT_STEP_MS 2
#define WAIT_SECONDS 10

/*
 * Each domain has an inode of its own for its address space, which lists all mappings of the
 * domain: descriptors share the one inode of anon_inodes, whose address space is everybody's.
 */
static struct vfsmount *mount;

static int init_fs_context(struct fs_context *fc)
{
    return init_pseudo(fc, 0x7461726e) ? 0 : -ENOMEM;
}

/* Without .owner: its only mount lives exactly as long as the module, and would keep it loaded. */
static struct file_system_type file_system = {
    .name = "tarn",
    .init_fs_context = init_fs_context,
    .kill_sb = kill_anon_super,
};

int tarn_memory_init(void)
{
    static_assert(PAGE_SIZE == 4096); /* Tarn shares pages of this size */

    mount = kern_mount(&file_system);
    return PTR_ERR_OR_ZERO(mount);
}

void tarn_memory_exit(void)
{
    kern_unmount(mount);
}

struct inode *tarn_memory_inode(void)
{
    return alloc_anon_inode(mount->mnt_sb);
}

/* First page of the block at that offset of the RAM, or NULL: nothing there. life held. */
static struct page *find_block(struct tarn_domain *domain, u64 offset)
{
    struct arm_smccc_1_2_regs regs = {
        .a0 = TARN_HC_DOMAIN_BLOCK,
        .a1 = domain->id,
        .a2 = DOMU_RAM_BASE + ALIGN_DOWN(offset, TARN_BLOCK_SIZE),
    };
    unsigned long pfn;

    if (tarn_hypercall(&regs))
        return NULL;
    pfn = PHYS_PFN(regs.a1);
    if (!pfn_valid(pfn) || !PageReserved(pfn_to_page(pfn))) {
        pr_err_once("domain \"%s\": its memory at %#lx is not reserved memory of this kernel: "
                    "boot dom0 with the device tree that Tarn made\n",
                    domain->name, regs.a1);
        return NULL;
    }
    return pfn_to_page(pfn);
}

/*
 * Maps the page that faulted, and of the rest of its block what the vma covers: the block has a
 * page-table page of its own in any case, and one fault instead of 512 matters. Which of several
 * threads maps a page first does not: EBUSY is as good as success.
 */
static vm_fault_t map_block(struct vm_fault *vmf, struct page *block)
{
    struct vm_area_struct *vma = vmf->vma;
    pgoff_t in_block = vmf->pgoff % BLOCK_PAGES;
    int error = vm_insert_page(vma, vmf->address, block + in_block);
    pgoff_t i;

    if (error && error != -EBUSY)
        return error == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
    for (i = 0; i < BLOCK_PAGES; i++) {
        unsigned long address = vmf->address + (i - in_block) * PAGE_SIZE;

        if (i == in_block || address < vma->vm_start || address >= vma->vm_end)
            continue;
        error = vm_insert_page(vma, address, block + i);
        if (error && error != -EBUSY)
            break; /* these were a favour */
    }
    return VM_FAULT_NOPAGE;
}

/*
 * Writable pages begin dirty: nobody cleans them, and it spares a second fault at the first write.
 * Here, not in mmap(), which ends with the protection computed anew. Faults at the same time write
 * the same value.
 */
static void begin_dirty(struct vm_area_struct *vma)
{
    pte_t pte = pte_mkdirty(__pte(pgprot_val(vma->vm_page_prot)));

    if (vma->vm_flags & VM_WRITE)
        WRITE_ONCE(vma->vm_page_prot, pte_pgprot(pte));
}

static vm_fault_t ram_fault(struct vm_fault *vmf)
{
    struct tarn_domain *domain = vmf->vma->vm_private_data;
    vm_fault_t result = VM_FAULT_SIGBUS;
    struct page *block;

    down_read(&domain->life);
    if (!domain->dying) {
        block = find_block(domain, (u64)vmf->pgoff << PAGE_SHIFT);
        if (block) {
            begin_dirty(vmf->vma);
            result = map_block(vmf, block);
        }
    }
    up_read(&domain->life);
    return result;
}

/* The console page belongs to Tarn and has no page struct. */
static vm_fault_t console_fault(struct vm_fault *vmf)
{
    struct tarn_domain *domain = vmf->vma->vm_private_data;
    vm_fault_t result = VM_FAULT_SIGBUS;

    down_read(&domain->life);
    if (!domain->dying)
        result = vmf_insert_pfn(vmf->vma, vmf->address, PHYS_PFN(domain->console));
    up_read(&domain->life);
    return result;
}

/* vm_private_data needs no reference: a vma holds its file, the file its domain. */
static const struct vm_operations_struct ram_ops = {
    .fault = ram_fault,
};

static const struct vm_operations_struct console_ops = {
    .fault = console_fault,
};

int tarn_memory_mmap(struct tarn_domain *domain, struct vm_area_struct *vma)
{
    unsigned long pages = vma_pages(vma);
    unsigned long ram = DOMU_RAM_MAX >> PAGE_SHIFT;

    if (!(vma->vm_flags & VM_SHARED))
        return -EINVAL;
    if (vma->vm_flags & VM_EXEC)
        return -EPERM;
    vma->vm_flags &= ~VM_MAYEXEC;
    vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP;
    vma->vm_private_data = domain;
    if (vma->vm_pgoff == TARN_MMAP_CONSOLE >> PAGE_SHIFT && pages == 1) {
        vma->vm_flags |= VM_PFNMAP;
        vma->vm_ops = &console_ops;
        return 0;
    }
    if (vma->vm_pgoff >= ram || pages > ram - vma->vm_pgoff)
        return -EINVAL;
    vma->vm_flags |= VM_MIXEDMAP;
    vma->vm_ops = &ram_ops;
    return 0;
}

static int memory_file_mmap(struct file *file, struct vm_area_struct *vma)
{
    if (vma->vm_pgoff >= DOMU_RAM_MAX >> PAGE_SHIFT)
        return -EINVAL; /* the console is not memory */
    return tarn_memory_mmap(file->private_data, vma);
}

static int memory_file_release(struct inode *inode, struct file *file)
{
    tarn_domain_put(file->private_data);
    return 0;
}

static const struct file_operations memory_file_ops = {
    .owner = THIS_MODULE,
    .mmap = memory_file_mmap,
    .release = memory_file_release,
    .llseek = noop_llseek,
};

int tarn_memory_fd(struct tarn_file *tf, void *arg)
{
    struct tarn_domain *domain = tf->domain;
    struct file *file;
    int fd = get_unused_fd_flags(O_CLOEXEC);

    if (fd < 0)
        return fd;
    file = anon_inode_getfile("[tarn-memory]", &memory_file_ops, domain, O_RDWR);
    if (IS_ERR(file)) {
        put_unused_fd(fd);
        return PTR_ERR(file);
    }
    kref_get(&domain->ref);
    file->f_mapping = domain->inode->i_mapping;
    fd_install(fd, file);
    return fd;
}

/* Waits until nobody holds the pages of a block, at most until jiffies says end. */
static int wait_for_block(struct page *block, unsigned long end)
{
    unsigned int i;

    for (i = 0; i < BLOCK_PAGES; i++) {
        while (page_ref_count(block + i) > 1) {
            if (time_after(jiffies, end))
                return -EBUSY;
            if (msleep_interruptible(WAIT_STEP_MS))
                return -EINTR;
        }
    }
    cond_resched();
    return 0;
}

int tarn_memory_revoke(struct tarn_domain *domain)
{
    struct tarn_info info = {.id = domain->id};
    unsigned long end = jiffies + WAIT_SECONDS * HZ;
    u64 offset;
    int error;

    /* No fault maps anything any more, see dying. */
    unmap_mapping_range(domain->inode->i_mapping, 0, 0, 1);
    error = tarn_domain_info(&info);
    for (offset = 0; !error && info.memory && offset < DOMU_RAM_MAX; offset += TARN_BLOCK_SIZE) {
        struct page *block = find_block(domain, offset);

        if (!block)
            continue;
        error = wait_for_block(block, end);
        info.memory -= TARN_BLOCK_SIZE;
    }
    if (error == -EBUSY)
        pr_err(
            "domain \"%s\": I/O of dom0 on its memory does not end: stop its backend, see to the "
            "disks it uses, destroy it again\n",
            domain->name);
    return error;
}
