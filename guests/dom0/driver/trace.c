// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace descriptor: tracing is on from TARN_TRACE until the last copy of it is closed, whatever
 * ends its holder; mmap() shows the rings.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "guests/dom0/driver/domain.h"
#include "guests/dom0/driver/hypercall.h"

static DEFINE_MUTEX(trace_mutex);
static pid_t recorder; /* who called TARN_TRACE; 0: nobody */
static phys_addr_t rings;
static unsigned long ring_pages; /* with the page before them */

static int trace_release(struct inode *inode, struct file *file)
{
    if (!file->private_data)
        return 0; /* it never was on */
    mutex_lock(&trace_mutex);
    (void)tarn_hypercall3(TARN_HC_TRACE, 0, 0, 0);
    recorder = 0;
    mutex_unlock(&trace_mutex);
    return 0;
}

/* They belong to Tarn, as the console page does. */
static int trace_mmap(struct file *file, struct vm_area_struct *vma)
{
    if (vma->vm_flags & (VM_WRITE | VM_EXEC))
        return -EPERM;
    if (vma->vm_pgoff || vma_pages(vma) > ring_pages)
        return -EINVAL;
    vma->vm_flags &= ~(VM_MAYWRITE | VM_MAYEXEC);
    return remap_pfn_range(vma, vma->vm_start, PHYS_PFN(rings), vma->vm_end - vma->vm_start,
                           vma->vm_page_prot);
}

static const struct file_operations trace_ops = {
    .owner = THIS_MODULE,
    .release = trace_release,
    .mmap = trace_mmap,
    .llseek = noop_llseek,
};

static int switch_on(struct tarn_trace *trace)
{
    struct arm_smccc_1_2_regs regs = {.a0 = TARN_HC_TRACE, .a1 = trace->pages};
    struct arm_smccc_1_2_regs machine = {.a0 = TARN_HC_MACHINE_INFO};
    int error = tarn_hypercall(&machine);

    if (!error)
        error = tarn_hypercall(&regs);
    if (error)
        return error;
    rings = regs.a1;
    trace->pages = regs.a2 * sizeof(struct tarn_trace_record) / PAGE_SIZE;
    trace->cpus = machine.a1;
    ring_pages = 1 + (unsigned long)trace->cpus * trace->pages;
    return 0;
}

/* trace_mutex held: the release of a file that fails comes later. */
static int open_trace(struct tarn_trace *trace, void __user *user)
{
    struct file *file;
    int error;

    trace->fd = get_unused_fd_flags(O_CLOEXEC);
    if (trace->fd < 0)
        return trace->fd;
    file = anon_inode_getfile("[tarn-trace]", &trace_ops, NULL, O_RDONLY);
    if (IS_ERR(file)) {
        put_unused_fd(trace->fd);
        return PTR_ERR(file);
    }
    error = switch_on(trace);
    if (!error) {
        recorder = task_tgid_nr(current);
        file->private_data = &recorder; /* its release ends tracing */
        if (copy_to_user(user, trace, sizeof(*trace)))
            error = -EFAULT;
    }
    if (error) {
        put_unused_fd(trace->fd);
        fput(file);
        return error;
    }
    fd_install(trace->fd, file);
    return 0;
}

int tarn_trace_open(void __user *user)
{
    struct tarn_trace trace;
    int error = -EBUSY;

    if (copy_from_user(&trace, user, sizeof(trace)))
        return -EFAULT;
    if (trace.pages == 0 || trace.pages > TARN_TRACE_PAGES || trace.recorder)
        return -EINVAL;
    mutex_lock(&trace_mutex);
    trace.recorder = recorder;
    if (!recorder)
        error = open_trace(&trace, user);
    else if (copy_to_user(user, &trace, sizeof(trace)))
        error = -EFAULT;
    mutex_unlock(&trace_mutex);
    return error;
}
