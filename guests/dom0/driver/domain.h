/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's objects and what its files call of each other. docs/driver.md tells the story.
 *
 * Lock order: tarn_table_mutex; domain->destroying; (mmap_lock;) domain->life; domain->irqfd_mutex;
 * domain->lock; the lock inside an eventfd.
 */
#ifndef TARN_DRIVER_DOMAIN_H
#define TARN_DRIVER_DOMAIN_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "guests/dom0/driver/uapi/tarn.h"

struct eventfd_ctx;
struct file;
struct inode;
struct vm_area_struct;

struct tarn_domain {
    struct kref ref; /* the table's and one per descriptor */
    u32 id;
    char name[TARN_NAME_SIZE];
    struct tarn_notify_page *notify; /* mapped while the domain is in the table */
    phys_addr_t console;
    struct inode *inode; /* its address space holds all user mappings of this domain */

    struct mutex destroying; /* one TARN_DESTROY at a time */
    bool destroyed;          /* under destroying: Tarn knows it no more */

    struct rw_semaphore life; /* read: names the domain to Tarn; write: to set dying */
    bool dying;               /* under life; a hint without */

    atomic64_t requests; /* for who asks */
    atomic64_t completions;

    struct mutex irqfd_mutex;
    struct list_head irqfds; /* under irqfd_mutex */
    unsigned int nr_irqfds;

    wait_queue_head_t wait; /* readers and pollers */
    spinlock_t lock;        /* everything below; the upcall takes it in its interrupt */
    struct tarn_file *backend;
    u64 posted;        /* vCPUs whose request waits to be read */
    u64 taken;         /* vCPUs whose request was read and waits for TARN_REPLY */
    bool console_news; /* the backend was not told of bytes in the console page */
    u32 changes;       /* of state, counted */
    struct tarn_queues *queues[TARN_MAX_VDEVS];
    u64 kicks[TARN_MAX_VDEVS]; /* QueueNotify of queues that have no eventfd */
};

/* An open domain descriptor. */
struct tarn_file {
    struct tarn_domain *domain;
    bool backend;
    u32 changes; /* of domain->changes: those its reader was told of; under domain->lock */
};

/* domain.c: the table. Errors of functions that return a pointer are ERR_PTRs. */

/* Takes every domain that exists into the table, at load. */
int tarn_table_adopt(void);
/* The opposite, at unload, when no descriptor is open and the upcall is off. */
void tarn_table_drop(void);
/* Calls fn for the domain of that number if there is one. Interrupts off or RCU read lock. */
void tarn_table_call(u32 id, void (*fn)(struct tarn_domain *domain));
/* Both return a reference. */
struct tarn_domain *tarn_domain_create(const char *name, u32 vcpus);
struct tarn_domain *tarn_domain_find(const struct tarn_open *wanted);
void tarn_domain_put(struct tarn_domain *domain);
int tarn_domain_destroy(struct tarn_domain *domain);
/* Of the domain with the lowest number >= info->id. */
int tarn_domain_info(struct tarn_info *info);
void tarn_domain_wake(struct tarn_domain *domain);

/* file.c: domain descriptors. The new file takes over the caller's reference. */
struct file *tarn_file_new(struct tarn_domain *domain, bool backend);

/* control.c: ioctls that are hypercalls. life is held. */
int tarn_populate(struct tarn_file *tf, void *arg);
int tarn_share_memory(struct tarn_file *tf, void *arg);
int tarn_vcpu_init(struct tarn_file *tf, void *arg);
int tarn_start(struct tarn_file *tf, void *arg);
int tarn_pause(struct tarn_file *tf, void *arg);
int tarn_unpause(struct tarn_file *tf, void *arg);
int tarn_vdev_create(struct tarn_file *tf, void *arg);
int tarn_reply(struct tarn_file *tf, void *arg);
int tarn_interrupt(struct tarn_file *tf, void *arg);
int tarn_console_input(struct tarn_file *tf, void *arg);
int tarn_watchdog(struct tarn_file *tf, void *arg);

/* memory.c */
int tarn_memory_init(void);
void tarn_memory_exit(void);
struct inode *tarn_memory_inode(void);
int tarn_memory_mmap(struct tarn_domain *domain, struct vm_area_struct *vma);
/* The ioctl: a descriptor of the memory alone. life is held. */
int tarn_memory_fd(struct tarn_file *tf, void *arg);
/* For a dying domain: takes all mappings away and waits for I/O. EBUSY, EINTR: not done yet. */
int tarn_memory_revoke(struct tarn_domain *domain);

/* eventfd.c */
/* Raises a device's interrupt: bits for InterruptStatus. Any context. */
int tarn_complete(struct tarn_domain *domain, u32 index, u32 bits);
int tarn_ioeventfd(struct tarn_file *tf, void *arg);
int tarn_irqfd(struct tarn_file *tf, void *arg);
/* QueueNotify was written; domain->lock held. */
void tarn_eventfd_notify(struct tarn_domain *domain, u32 index, u64 queues);
/* Ends all of the domain's eventfds. */
void tarn_eventfd_release(struct tarn_domain *domain);

/* trace.c: the ioctl of /dev/tarn. */
int tarn_trace_open(void __user *user);

/* upcall.c */
int tarn_upcall_init(void);
int tarn_upcall_enable(void);
void tarn_upcall_exit(void);
/* Takes what the domain's notify page has. Interrupts off. */
void tarn_upcall_take(struct tarn_domain *domain);
/* Puts back what nobody has read or answered, for the next module. */
void tarn_upcall_give_back(struct tarn_domain *domain);

#endif
