/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains: what belongs together to make a virtual machine, and its lifecycle.
 * May include guests/abi, platform, mm, timer, gic, virtio, core.
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "core/vcpu.h"
#include "gic/vgic.h"
#include "guests/abi/hypercall.h"
#include "mm/stage2.h"
#include "mm/trap_mmio.h"
#include "platform/spinlock.h"
#include "platform/types.h"
#include "virtio/vdev.h"
#include "virtio/vuart.h"

#define DOMAIN_MAX_VCPUS 64
#define DOM0_ID          0

struct domain {
    struct pcpu *answerer; /* atomic: the CPU, with a host, where dom0 last acted for its backend */
    /* Constant while the domain is in the table. */
    uint16_t id;
    uint32_t nr_vcpus;
    char name[TARN_NAME_SIZE];
    struct vcpu *vcpu[DOMAIN_MAX_VCPUS];
    struct tarn_notify_page *notify; /* NULL for dom0 */
    struct tarn_console_page *console;
    void *stolen;         /* page of core/pvtime.c */
    uint32_t first_line;  /* INTID of line 0 of core/post.h */
    uint64_t time_offset; /* CNTVOFF_EL2 */
    uint64_t own_memory;  /* bytes that are not of the pool: dom0's */

    /* Which of its vCPUs ran last on a CPU; 0xff: none. Written by that CPU alone. */
    uint8_t last_vcpu[MAX_CPUS];

    struct stage2 stage2;
    struct vgic vgic;
    struct mmio_table mmio;
    struct vdev vdev[TARN_MAX_VDEVS];
    struct vuart uart;

    spinlock_t lock; /* lifecycle: what follows */
    uint8_t state;   /* TARN_STATE_* */
    uint8_t reason;  /* TARN_REASON_* */
    uint8_t online;  /* vCPUs not off */
    uint8_t destroy_step;
    uint16_t weight;     /* of each vCPU */
    uint32_t cap;        /* percent of a CPU, 0: none */
    uint64_t fault[3];   /* ESR_EL2, FAR_EL2 and pc of a crash */
    uint64_t grace;      /* period begun by the destroy step */
    uint64_t entry[2];   /* pc and x0 of vCPU 0 at START */
    uint64_t ram_start;  /* ipa of the lowest block populated */
    uint64_t ram_end;    /* ipa behind the highest one */
    uint64_t ram_cursor; /* ipa up to which DESTROY has given blocks back */
};

/* What a new domain is made of. */
struct domain_config {
    char name[TARN_NAME_SIZE];
    unsigned nr_vcpus;
    unsigned nr_irqs;   /* INTIDs of its vGIC, a multiple of 32 */
    bool hardware_spis; /* dom0 */
};

/*
 * Creates a domain with an empty stage 2, its vCPUs off and its vGIC mapped as guests/abi/domu.h
 * says (dom0: mapped by boot/dom0.c). Takes id 0 for the first one, dom0. Returns TARN_OK and
 * *domain, or TARN_EINVAL, TARN_EEXIST, TARN_ENOSPC, TARN_ENOMEM with nothing left behind. Table
 * lock taken.
 */
int64_t domain_create(const struct domain_config *config, struct domain **domain);

/* The live domain with this id, or NULL. Valid until the calling CPU next enters a guest or idles.
 */
struct domain *domain_get(uint64_t id);

/*
 * Describes the domain with the lowest number >= x[1], dying ones too, in x[1].. as DOMAIN_INFO
 * says. TARN_ENOENT: none. Table lock taken.
 */
int64_t domain_info(uint64_t *x);

/* dom0; NULL until it exists. */
struct domain *dom0(void);

/* Zeroed pages of the heap that dom0 sees at their physical address; NULL: the heap is exhausted.
 */
void *domain_share_pages(unsigned pages, uint16_t owner);

/* The hypercalls of the same names: state checked, TARN_* returned. POPULATE's x4 is `detail`. */
int64_t domain_populate(struct domain *domain, ipa_t ipa, struct domain *from, uint64_t detail,
                        pa_t *block);
int64_t domain_start(struct domain *domain);
int64_t domain_pause(struct domain *domain);
int64_t domain_unpause(struct domain *domain);
int64_t domain_watchdog(struct domain *domain);
int64_t domain_destroy(uint64_t *x);
int64_t domain_share(struct domain *domain, uint64_t *x);
int64_t domain_vdev_create(struct domain *domain, uint64_t index, uint64_t device_id,
                           uint64_t nr_queues);

/*
 * The domain stops for `reason` (TARN_REASON_*): state shutdown, or crashed for a fault. All its
 * vCPUs are held and dom0 is told. Called on behalf of one of its vCPUs or of dom0; idempotent.
 */
void domain_stop(struct domain *domain, uint8_t reason);

/* The one writer of the lifecycle state: asserts that docs/lifecycle.md allows it. Lock held. */
void domain_set_state(struct domain *domain, uint8_t state);

/* Brings the UART's interrupt line up to date; returns whom to kick. */
vcpu_mask_t domain_uart_line(struct domain *domain);

/* Kicks the vCPUs in the mask (as returned by gic and others). */
void domain_kick_slow(struct domain *domain, vcpu_mask_t mask);

static inline void domain_kick(struct domain *domain, vcpu_mask_t mask)
{
    if (mask)
        domain_kick_slow(domain, mask);
}

/*
 * PSCI: brings a vCPU up or down; counts `online`. CPU_ON: pc, x0; returns false if it is not off.
 * CPU_OFF: the reason the domain stops for if it was the last.
 */
bool domain_vcpu_on(struct domain *domain, unsigned id, uint64_t pc, uint64_t x0);
void domain_vcpu_off(struct vcpu *vcpu, uint8_t reason);

/*
 * The vCPU could only fault for ever: the syndrome is kept, and it goes off. If it was the last,
 * the domain has crashed; dom0: the machine is reset. On its CPU, right after the exit.
 */
void domain_vcpu_lost(struct vcpu *vcpu, uint64_t esr);

/* PSCI AFFINITY_INFO: off, and CPU_ON would succeed. */
bool domain_vcpu_is_off(const struct vcpu *vcpu);

/* core/pvtime.c: shows a new domain its page of stolen time. False: EL2's heap is exhausted. */
bool pvtime_map(struct domain *domain);

/* core/upcall.c: dom0 is to look at this domain's notify page. */
void upcall_init(struct domain *host, struct tarn_upcall_page *page);
void upcall_raise(struct domain *domain);
void upcall_take(const struct pcpu *cpu); /* SGI_UPCALL came */
void upcall_event(struct domain *domain, uint64_t event);

#endif
