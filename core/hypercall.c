/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall table: one row a function (guests/abi/hypercall.h), each decodes its arguments and
 * then calls what cannot fail halfway. May call core, mm, gic, virtio.
 */
#include "guests/abi/hypercall.h"

#include "core/affinity.h"
#include "core/domain.h"
#include "core/post.h"
#include "core/sched.h"
#include "core/trap.h"
#include "guests/abi/domu.h"
#include "mm/heap.h"
#include "mm/pool.h"
#include "platform/log.h"
#include "platform/string.h"

/*
 * x = the caller's registers (its vcpu.x): arguments in x[1].., results go there too. domain: the
 * one that x[1] names. Functions of rows return the status.
 */
static struct vcpu *caller_of(uint64_t *x)
{
    return container_of(x, struct vcpu, x[0]);
}

/* The domain named by x[1], or NULL. */
static inline struct domain *named(const uint64_t *x, bool dom0_too)
{
    return x[1] == DOM0_ID && !dom0_too ? NULL : domain_get(x[1]);
}

static int64_t hc_version(uint64_t *x)
{
    x[1] = TARN_ABI_VERSION;
    x[2] = caller_of(x)->domain->id;
    return TARN_OK;
}

static int64_t hc_create(uint64_t *x)
{
    struct domain_config config = {.nr_irqs = DOMU_NR_IRQS};
    struct domain *created;

    if (x[1] > TARN_MAX_VCPUS || x[2] != 0)
        return TARN_EINVAL;
    config.nr_vcpus = (unsigned)x[1];
    memcpy(config.name, &x[3], TARN_NAME_SIZE);
    int64_t status = domain_create(&config, &created);
    if (status != TARN_OK)
        return status;
    x[1] = created->id;
    x[2] = heap_pa(created->notify).v;
    x[3] = heap_pa(created->console).v;
    return TARN_OK;
}

static int64_t hc_populate(struct domain *domain, uint64_t *x)
{
    struct domain *from = x[3] ? domain_get(x[3]) : NULL;
    pa_t block;

    if (x[3] && !from)
        return TARN_ENOENT;
    int64_t status = domain_populate(domain, ipa(x[2]), from, x[4], &block);
    if (status == TARN_OK)
        x[1] = block.v;
    return status;
}

static int64_t hc_vcpu_init(struct domain *domain, uint64_t *x)
{
    if (x[2] != 0 || x[3] % 4 != 0)
        return TARN_EINVAL; /* the others come up by PSCI CPU_ON */
    if (domain->state != TARN_STATE_CREATED)
        return TARN_EBUSY;
    domain->entry[0] = x[3];
    domain->entry[1] = x[4];
    return TARN_OK;
}

static int64_t hc_block(struct domain *domain, uint64_t *x)
{
    pa_t block;

    if (x[2] % TARN_BLOCK_SIZE || !stage2_lookup(&domain->stage2, ipa(x[2]), &block))
        return TARN_ENOENT;
    x[1] = block.v;
    return TARN_OK;
}

static int64_t hc_machine_info(uint64_t *x)
{
    x[1] = cpu_count;
    x[2] = pool_blocks.total * BLOCK_2M;
    x[3] = pool_blocks.free * BLOCK_2M;
    x[4] = heap_pages.total * PAGE_SIZE;
    x[5] = heap_pages.free * PAGE_SIZE;
    return TARN_OK;
}

static int64_t hc_vdev_create(struct domain *domain, uint64_t *x)
{
    return domain_vdev_create(domain, x[2], x[3], x[4]);
}

/* In a hurry, so it looks for its domain by itself. */
static int64_t hc_vdev_interrupt(uint64_t *x)
{
    struct domain *domain = named(x, false);

    if (!domain || x[2] >= TARN_MAX_VDEVS || domain->vdev[x[2]].device_id == 0)
        return TARN_ENOENT;
    if (!vdev_interrupt(&domain->vdev[x[2]], x[3]))
        return TARN_EINVAL;
    if (caller_of(x)->pcpu->host)
        __atomic_store_n(&domain->answerer, caller_of(x)->pcpu, __ATOMIC_RELAXED);
    post_interrupt(domain->vcpu[vgic_target(&domain->vgic, DOMU_VIRTIO_INTID + (uint32_t)x[2])],
                   (unsigned)x[2]);
    return TARN_OK;
}

static int64_t hc_reply(struct domain *domain, uint64_t *x)
{
    if (x[2] >= domain->nr_vcpus)
        return TARN_ENOENT;
    struct vcpu *vcpu = domain->vcpu[x[2]];
    return sched_reply(vcpu, x[3]) ? TARN_OK : TARN_EINVAL;
}

static int64_t hc_console_input(struct domain *domain, uint64_t *x)
{
    if (x[2] == 0 || x[2] > 8)
        return TARN_EINVAL;
    x[1] = vuart_input(&domain->uart, (unsigned)x[2], x[3]);
    domain_kick(domain, domain_uart_line(domain));
    return TARN_OK;
}

static int64_t hc_vcpu_stats(struct domain *domain, uint64_t *x)
{
    if (x[2] >= domain->nr_vcpus)
        return TARN_ENOENT;
    struct vcpu *vcpu = domain->vcpu[x[2]];
    if (x[3] < TARN_STATS_GENERAL) {
        memcpy(&x[1], &vcpu->exits[16 * x[3]], 16 * sizeof(*x));
        return TARN_OK;
    }
    (void)sched_run_time(vcpu); /* brings `spent` up to date */
    x[1] = vcpu->state | (uint64_t)vcpu->held << 8 | (uint64_t)vcpu->pcpu->id << 16;
    for (unsigned i = 0; i <= VCPU_STATES; i++)
        x[2 + i] = timer_ticks_to_ns(vcpu->spent[i]);
    x[8] = vcpu->exits[EXIT_CLASSES];
    x[9] = vcpu->vgic.injected;
    x[10] = vcpu->access.notifies;
    return TARN_OK;
}

static int64_t hc_vcpu_affinity(struct domain *domain, uint64_t *x)
{
    return x[2] < domain->nr_vcpus ? affinity_call(domain->vcpu[x[2]], x) : TARN_ENOENT;
}

static int64_t hc_log(uint64_t *x)
{
    x[3] = log_set_level(x[2]);
    x[2] = log_read(&x[1], (char *)&x[4], TARN_LOG_CHUNK);
    return TARN_OK;
}

/* Function number -> row: one of three kinds of functions, and who may do it to whom. */
static const struct {
    int64_t (*on)(struct domain *domain, uint64_t *x);
    int64_t (*act)(struct domain *domain);
    int64_t (*plain)(uint64_t *x); /* x[1] names no domain, or it looks for itself */
    bool dom0_too;                 /* x[1] may be dom0 */
    bool anybody;                  /* may call it; else: dom0 alone */
} rows[] = {
    [0x00] = {.plain = hc_version, .anybody = true},
    [0x10] = {.plain = hc_create},
    [0x11] = {.on = hc_populate},
    [0x12] = {.on = hc_vcpu_init},
    [0x13] = {.act = domain_start},
    [0x14] = {.act = domain_pause},
    [0x15] = {.act = domain_unpause},
    [0x16] = {.plain = domain_destroy},
    [0x17] = {.plain = domain_info},
    [0x18] = {.on = hc_block},
    [0x19] = {.plain = hc_machine_info},
    [0x20] = {.on = hc_vdev_create},
    [0x21] = {.plain = hc_vdev_interrupt},
    [0x22] = {.on = hc_reply},
    [0x23] = {.on = hc_console_input},
    [0x30] = {.on = hc_vcpu_affinity, .dom0_too = true},
    [0x31] = {.on = domain_share, .dom0_too = true},
    [0x40] = {.on = hc_vcpu_stats, .dom0_too = true},
    [0x41] = {.plain = hc_log},
    [0x42] = {.act = domain_watchdog},
    [0x43] = {.plain = trace_control},
};

int64_t hypercall(struct vcpu *caller, uint32_t function)
{
    uint32_t number = function - TARN_HC(0);
    uint64_t *x = caller->x;

    if (number >= ARRAY_SIZE(rows) || (!rows[number].anybody && caller->domain->id != DOM0_ID))
        return TARN_ENOTSUPP;
    if (rows[number].plain)
        return rows[number].plain(x);
    struct domain *domain = named(x, rows[number].dom0_too);
    if (rows[number].on)
        return domain ? rows[number].on(domain, x) : TARN_ENOENT;
    if (rows[number].act)
        return domain ? rows[number].act(domain) : TARN_ENOENT;
    return TARN_ENOTSUPP;
}
