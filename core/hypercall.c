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
 * x = the caller's registers (its vcpu.x): arguments in x[1].., results go there too. Returns the
 * status.
 */
typedef int64_t (*hypercall_row_t)(uint64_t *x);

static struct vcpu *caller_of(uint64_t *x)
{
    return container_of(x, struct vcpu, x[0]);
}

static int64_t hc_version(uint64_t *x)
{
    x[1] = TARN_ABI_VERSION;
    x[2] = caller_of(x)->domain->id;
    return TARN_OK;
}

/* The domain named by x1, which dom0 may act upon: any but itself. */
static struct domain *target(const uint64_t *x)
{
    return x[1] == DOM0_ID ? NULL : domain_get(x[1]);
}

static int64_t hc_create(uint64_t *x)
{
    struct domain_config config = {.nr_irqs = DOMU_NR_IRQS};
    struct domain *domain;

    if (x[1] > TARN_MAX_VCPUS || x[2] != 0)
        return TARN_EINVAL;
    config.nr_vcpus = (unsigned)x[1];
    memcpy(config.name, &x[3], TARN_NAME_SIZE);
    int64_t status = domain_create(&config, &domain);
    if (status != TARN_OK)
        return status;
    x[1] = domain->id;
    x[2] = heap_pa(domain->notify).v;
    x[3] = heap_pa(domain->console).v;
    return TARN_OK;
}

static int64_t hc_populate(uint64_t *x)
{
    struct domain *domain = target(x);
    pa_t block;

    if (!domain)
        return TARN_ENOENT;
    int64_t status = domain_populate(domain, ipa(x[2]), &block);
    if (status == TARN_OK)
        x[1] = block.v;
    return status;
}

static int64_t hc_vcpu_init(uint64_t *x)
{
    struct domain *domain = target(x);

    if (!domain)
        return TARN_ENOENT;
    if (x[2] != 0 || x[3] % 4 != 0)
        return TARN_EINVAL; /* the others come up by PSCI CPU_ON */
    if (domain->state != TARN_STATE_CREATED)
        return TARN_EBUSY;
    domain->entry[0] = x[3];
    domain->entry[1] = x[4];
    return TARN_OK;
}

static int64_t hc_destroy(uint64_t *x)
{
    return domain_destroy(x[1]);
}

static int64_t hc_block(uint64_t *x)
{
    struct domain *domain = target(x);
    pa_t block;

    if (!domain || x[2] % TARN_BLOCK_SIZE || !stage2_lookup(&domain->stage2, ipa(x[2]), &block))
        return TARN_ENOENT;
    x[1] = block.v;
    return TARN_OK;
}

static int64_t hc_machine_info(uint64_t *x)
{
    x[1] = cpu_count;
    x[2] = pool_bytes_total();
    x[3] = pool_bytes_free();
    x[4] = heap_pages_total() * PAGE_SIZE;
    x[5] = heap_pages_free() * PAGE_SIZE;
    return TARN_OK;
}

static int64_t hc_vdev_create(uint64_t *x)
{
    struct domain *domain = target(x);

    return domain ? domain_vdev_create(domain, x[2], x[3], x[4]) : TARN_ENOENT;
}

static int64_t hc_vdev_interrupt(uint64_t *x)
{
    struct domain *domain = target(x);

    if (!domain || x[2] >= TARN_MAX_VDEVS || domain->vdev[x[2]].device_id == 0)
        return TARN_ENOENT;
    if (!vdev_interrupt(&domain->vdev[x[2]], x[3]))
        return TARN_EINVAL;
    __atomic_store_n(&domain->answerer, caller_of(x)->id, __ATOMIC_RELAXED);
    post_interrupt(domain->vcpu[vgic_target(&domain->vgic, DOMU_VIRTIO_INTID + (uint32_t)x[2])],
                   (unsigned)x[2]);
    return TARN_OK;
}

static int64_t hc_reply(uint64_t *x)
{
    struct domain *domain = target(x);

    if (!domain || x[2] >= domain->nr_vcpus)
        return TARN_ENOENT;
    struct vcpu *vcpu = domain->vcpu[x[2]];
    return sched_reply(vcpu, x[3]) ? TARN_OK : TARN_EINVAL;
}

static int64_t hc_console_input(uint64_t *x)
{
    struct domain *domain = target(x);

    if (!domain)
        return TARN_ENOENT;
    if (x[2] == 0 || x[2] > 8)
        return TARN_EINVAL;
    x[1] = vuart_input(&domain->uart, (unsigned)x[2], x[3]);
    domain_kick(domain, domain_uart_line(domain));
    return TARN_OK;
}

/* The vCPU named by x1, the domain, dom0 too, and x2; or NULL. */
static struct vcpu *any_vcpu(const uint64_t *x)
{
    struct domain *domain = domain_get(x[1]);

    return domain && x[2] < domain->nr_vcpus ? domain->vcpu[x[2]] : NULL;
}

static int64_t hc_vcpu_stats(uint64_t *x)
{
    struct vcpu *vcpu = any_vcpu(x);

    if (!vcpu)
        return TARN_ENOENT;
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

static int64_t hc_vcpu_affinity(uint64_t *x)
{
    struct vcpu *vcpu = any_vcpu(x);

    return vcpu ? affinity_call(vcpu, x) : TARN_ENOENT;
}

static int64_t hc_share(uint64_t *x)
{
    struct domain *domain = domain_get(x[1]);

    return domain ? domain_share(domain, x) : TARN_ENOENT;
}

static int64_t hc_log(uint64_t *x)
{
    x[3] = log_set_level(x[2]);
    x[2] = log_read(&x[1], (char *)&x[4], TARN_LOG_CHUNK);
    return TARN_OK;
}

/* Function number -> row. */
static const struct {
    hypercall_row_t row;
    bool anybody;                    /* else: dom0 alone */
    int64_t (*act)(struct domain *); /* instead of row: does something to the domain x1 */
} rows[] = {
    [0x00] = {hc_version, true},
    [0x10] = {hc_create, false},
    [0x11] = {hc_populate, false},
    [0x12] = {hc_vcpu_init, false},
    [0x13] = {.act = domain_start},
    [0x14] = {.act = domain_pause},
    [0x15] = {.act = domain_unpause},
    [0x16] = {hc_destroy, false},
    [0x17] = {domain_info, false},
    [0x18] = {hc_block, false},
    [0x19] = {hc_machine_info, false},
    [0x20] = {hc_vdev_create, false},
    [0x21] = {hc_vdev_interrupt, false},
    [0x22] = {hc_reply, false},
    [0x23] = {hc_console_input, false},
    [0x30] = {hc_vcpu_affinity, false},
    [0x31] = {hc_share, false},
    [0x40] = {hc_vcpu_stats, false},
    [0x41] = {hc_log, false},
    [0x42] = {.act = domain_watchdog},
};

int64_t hypercall(struct vcpu *caller, uint32_t function)
{
    uint32_t number = function - TARN_HC(0);

    if (number >= ARRAY_SIZE(rows) || (!rows[number].row && !rows[number].act))
        return TARN_ENOTSUPP;
    if (!rows[number].anybody && caller->domain->id != DOM0_ID)
        return TARN_ENOTSUPP;
    if (rows[number].row)
        return rows[number].row(caller->x);
    struct domain *domain = target(caller->x);
    return domain ? rows[number].act(domain) : TARN_ENOENT;
}
