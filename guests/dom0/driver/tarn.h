/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the dom0 driver: the domain object and what the files call of each other.
 *
 * Locks: table_mutex (the table of domains, creation, destruction) > domain->mutex (its memory and
 * slow calls) > domain->lock (spin, irqs off: eventfds, pending bits; taken by the upcall).
 */
#ifndef TARN_DRIVER_H
#define TARN_DRIVER_H

#include <linux/arm-smccc.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"
#include "guests/dom0/driver/interim_uapi.h"

/* Where one domain's pages begin in the address space of /dev/tarn. */
#define TARN_DOMAIN_SHIFT 40

struct tarn_domain {
    struct kref ref;
    u32 id;
    char name[TARN_NAME_SIZE];
    struct address_space *mapping; /* of /dev/tarn: to take user mappings away */

    struct mutex mutex;
    phys_addr_t *block; /* physical address of each 2 MiB of RAM, from DOMU_RAM_BASE */
    u64 blocks;

    struct tarn_notify_page *notify;
    phys_addr_t console;

    spinlock_t lock;
    bool dead;
    struct file *backend;
    u64 pending;  /* vCPUs whose request waits to be read */
    u64 in_flight; /* vCPUs whose request was read, but not answered yet */
    bool console_pending;
    u32 state_seq; /* counts state changes */
    struct eventfd_ctx **ioevent[TARN_MAX_VDEVS]; /* [device][queue] */
    spinlock_t irqfd_lock; /* leaf: taken with an eventfd's own lock held */
    struct list_head irqfds;
    wait_queue_head_t wait;
};

struct tarn_file {
    struct tarn_domain *domain; /* NULL: not bound yet */
    bool backend;
    u32 state_seq; /* what its reader has seen */
};

/* One cold hypercall: arguments and results in a[0..17] as SMCCC 1.2 has it. Returns an errno. */
int tarn_call(struct arm_smccc_1_2_regs *regs);

/* The same with up to three arguments and no results; any context. */
static inline int tarn_call3(u32 function, u64 a1, u64 a2, u64 a3)
{
    struct arm_smccc_res res;

    arm_smccc_1_1_hvc(function, a1, a2, a3, &res);
    return (int)res.a0;
}

/* domain.c */
struct tarn_domain *tarn_domain_create(const char *name, u32 vcpus, struct address_space *mapping);
struct tarn_domain *tarn_domain_open(const char *name, u32 id, struct address_space *mapping);
void tarn_domain_put(struct tarn_domain *domain);
int tarn_domain_populate(struct tarn_domain *domain, u64 ipa, u64 size);
int tarn_domain_destroy(struct tarn_domain *domain);
int tarn_domain_mmap(struct tarn_domain *domain, struct vm_area_struct *vma);
/* For the upcall: calls fn for a live domain, under a lock that keeps it live; irqs are off. */
void tarn_domain_with(u32 id, void (*fn)(struct tarn_domain *domain));
void tarn_domains_adopt(void);
void tarn_domains_drop(void);

/* upcall.c */
int tarn_upcall_init(void);
void tarn_upcall_exit(void);
void tarn_domain_look(struct tarn_domain *domain);
int tarn_ioeventfd(struct tarn_domain *domain, const struct tarn_ioeventfd *arg);
void tarn_ioeventfd_free(struct tarn_domain *domain);

/* irqfd.c */
int tarn_irqfd_init(void);
void tarn_irqfd_exit(void);
int tarn_irqfd(struct tarn_domain *domain, const struct tarn_irqfd *arg);
void tarn_irqfd_free(struct tarn_domain *domain);

#endif
