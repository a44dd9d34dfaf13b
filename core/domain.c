/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain table, creation and the lifecycle while a domain lives; its end is in destroy.c.
 * Lock order: table, domain.lock, then pcpu.lock, vgic.lock, heap and pool (leaves).
 * May call core, mm, gic, timer, virtio.
 */
#include "core/domain.h"

#include "core/affinity.h"
#include "core/balance.h"
#include "core/domain_table.h"
#include "core/sched.h"
#include "core/switch.h"
#include "core/timers.h"
#include "gic/gic.h"
#include "guests/abi/domu.h"
#include "mm/heap.h"
#include "mm/pool.h"
#include "platform/log.h"
#include "platform/panic.h"
#include "platform/smc.h"
#include "platform/string.h"
#include "platform/sysreg.h"

struct domain_table domain_table;

/* Bit t of row f: the state may change from f to t. */
static const uint8_t transitions[] = {
    [TARN_STATE_CREATED] = BIT32(TARN_STATE_RUNNING) | BIT32(TARN_STATE_DYING),
    [TARN_STATE_RUNNING] = BIT32(TARN_STATE_PAUSED) | BIT32(TARN_STATE_SHUTDOWN) |
                           BIT32(TARN_STATE_CRASHED) | BIT32(TARN_STATE_DYING),
    [TARN_STATE_PAUSED] = BIT32(TARN_STATE_RUNNING) | BIT32(TARN_STATE_SHUTDOWN) |
                          BIT32(TARN_STATE_CRASHED) | BIT32(TARN_STATE_DYING),
    [TARN_STATE_SHUTDOWN] = BIT32(TARN_STATE_DYING),
    [TARN_STATE_CRASHED] = BIT32(TARN_STATE_DYING),
    [TARN_STATE_DYING] = 0,
};

void domain_set_state(struct domain *domain, uint8_t state)
{
    assert(transitions[domain->state] & BIT32(state));
    __atomic_store_n(&domain->state, state, __ATOMIC_RELEASE);
}

static unsigned pages_for(size_t bytes)
{
    return (unsigned)((bytes + PAGE_SIZE - 1) / PAGE_SIZE);
}

struct domain *domain_get(uint64_t id)
{
    if (id >= TARN_MAX_DOMAINS)
        return NULL;
    struct domain *domain = __atomic_load_n(&domain_table.domain[id], __ATOMIC_ACQUIRE);
    if (!domain || __atomic_load_n(&domain->state, __ATOMIC_ACQUIRE) == TARN_STATE_DYING)
        return NULL;
    return domain;
}

struct domain *dom0(void)
{
    return domain_table.domain[DOM0_ID];
}

static void describe(struct domain *domain, uint64_t *x)
{
    uint64_t ticks = 0;

    spin_lock(&domain->lock); /* state and reason belong together */
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        ticks += sched_run_time(domain->vcpu[i]);
    x[1] = domain->id;
    x[2] = domain->state | (uint64_t)domain->reason << 8 | (uint64_t)domain->nr_vcpus << 16;
    x[3] = domain->own_memory + pool_bytes_of(domain->id);
    x[4] = timer_ticks_to_ns(ticks);
    x[5] = domain->notify ? heap_pa(domain->notify).v : 0;
    x[6] = domain->console ? heap_pa(domain->console).v : 0;
    memcpy(&x[7], domain->name, TARN_NAME_SIZE);
    memcpy(&x[11], domain->fault, sizeof(domain->fault));
    spin_unlock(&domain->lock);
}

int64_t domain_info(uint64_t *x)
{
    int64_t status = TARN_ENOENT;

    spin_lock(&domain_table.lock);
    for (uint64_t id = x[1]; status != TARN_OK && id < TARN_MAX_DOMAINS; id++) {
        if (!domain_table.domain[id])
            continue;
        describe(domain_table.domain[id], x);
        status = TARN_OK;
    }
    spin_unlock(&domain_table.lock);
    return status;
}

/* First free id, or TARN_EEXIST, TARN_ENOSPC. Table lock held. */
static int64_t find_id(const char *name)
{
    int64_t id = TARN_ENOSPC;

    for (unsigned i = TARN_MAX_DOMAINS; i-- > 0;) {
        const struct domain *domain = domain_table.domain[i];
        if (!domain)
            id = i;
        else if (strncmp(domain->name, name, TARN_NAME_SIZE) == 0)
            return TARN_EEXIST;
    }
    return id;
}

void *domain_share_pages(unsigned pages, uint16_t owner)
{
    void *memory = heap_alloc(pages, owner);

    if (memory && !stage2_map(&dom0()->stage2, ipa(heap_pa(memory).v), heap_pa(memory),
                              pages * PAGE_SIZE, STAGE2_RAM_NX)) {
        heap_free(memory, pages, owner);
        memory = NULL;
    }
    return memory;
}

/* Heap pages come zeroed. */
static bool allocate(struct domain *domain, const struct domain_config *config)
{
    uint16_t id = domain->id;

    for (unsigned i = 0; i < config->nr_vcpus; i++) {
        domain->vcpu[i] = heap_alloc(pages_for(sizeof(struct vcpu)), id);
        if (!domain->vcpu[i])
            return false;
    }
    domain->vgic.spi = heap_alloc(pages_for(vgic_spi_bytes(config->nr_irqs)), id);
    if (!domain->vgic.spi || !stage2_create(&domain->stage2, id))
        return false;
    domain->stolen = heap_alloc(1, id);
    if (!domain->stolen)
        return false;
    if (id == DOM0_ID)
        return true;
    domain->notify = domain_share_pages(2, id);
    if (!domain->notify)
        return false;
    domain->console = (void *)((char *)domain->notify + PAGE_SIZE);
    return true;
}

void domain_free(struct domain *domain)
{
    if (domain->stage2.pt.root)
        stage2_destroy(&domain->stage2);
    if (domain->notify)
        (void)stage2_unmap(&dom0()->stage2, ipa(heap_pa(domain->notify).v), 2 * PAGE_SIZE);
    (void)heap_free_all(domain->id); /* the domain itself, too */
}

static void init_vgic(struct domain *domain, const struct domain_config *config)
{
    struct vgic *vgic = &domain->vgic;

    vgic->version = (uint8_t)gic_info.version;
    vgic->nr_cpus = (uint8_t)config->nr_vcpus;
    vgic->nr_irqs = (uint16_t)config->nr_irqs;
    vgic->hardware_spis = config->hardware_spis;
    for (unsigned i = 0; i < config->nr_vcpus; i++)
        vgic->cpu[i] = &domain->vcpu[i]->vgic;
    vgic_init(vgic);
    domain->first_line = domain->id == DOM0_ID ? TARN_UPCALL_INTID : DOMU_VIRTIO_INTID;
}

/*
 * The line is set to what the UART says, which another CPU may change meanwhile: set, compare,
 * again. Bounded: whoever changes it last sets it, too.
 */
vcpu_mask_t domain_uart_line(struct domain *domain)
{
    vcpu_mask_t kick = 0;

    for (unsigned tries = 0; tries < 4; tries++) {
        bool line = vuart_line(&domain->uart);
        kick |= vgic_set_level(&domain->vgic, 0, DOMU_UART_INTID, line);
        if (vuart_line(&domain->uart) == line)
            break;
    }
    return kick;
}

/* The emulated UART, and its interrupt line. */
static enum mmio_result uart_access(void *device, struct mmio_access *access)
{
    struct domain *domain = device;
    enum mmio_result result = vuart_access(&domain->uart, access);

    if (result != MMIO_UPCALL && result != MMIO_KICK)
        return result;
    access->kick = domain_uart_line(domain);
    if (result == MMIO_UPCALL)
        upcall_raise(domain);
    return access->kick ? MMIO_KICK : MMIO_DONE;
}

/* The fixed part of a domU's machine. */
static bool build_domu(struct domain *domain)
{
    struct mmio_table *mmio = &domain->mmio;
    bool ok = mmio_table_add(mmio, DOMU_GICD_BASE, DOMU_GICD_SIZE, vgic_gicd_access(&domain->vgic),
                             &domain->vgic);

    ok = ok && mmio_table_add(mmio, DOMU_UART_BASE, DOMU_UART_SIZE, uart_access, domain);
    vuart_init(&domain->uart, domain->notify, domain->console);
    domain->answerer = dom0()->answerer;
    if (gic_info.version == 2)
        return ok && stage2_map(&domain->stage2, ipa(DOMU_GICC_BASE), pa(gic_info.gicv.base),
                                DOMU_GICC_SIZE, STAGE2_DEVICE);
    for (unsigned i = 0; ok && i < domain->nr_vcpus; i++) {
        struct vgic_cpu *cpu = &domain->vcpu[i]->vgic;
        cpu->gicr_last = i == domain->nr_vcpus - 1;
        ok = mmio_table_add(mmio, DOMU_GICR_BASE + i * DOMU_GICR_STRIDE, DOMU_GICR_STRIDE,
                            vgic_gicr_access, cpu);
    }
    return ok;
}

/* dom0's stay where they are unless they are told to go, and so do its devices' interrupts. */
static void init_vcpu(struct domain *domain, unsigned id)
{
    struct vcpu *vcpu = domain->vcpu[id];
    struct pcpu *home = balance_place(affinity_common());

    vcpu_init(vcpu, domain, id, home);
    sched_vcpu_init(vcpu);
    affinity_enter(vcpu, domain->id == DOM0_ID ? BIT(home->id) : UINT64_MAX);
    vgic_set_pcpu(&domain->vgic, &vcpu->vgic, home->id);
    if (domain->id == DOM0_ID) {
        home->host = vcpu;
        domain->answerer = home;
    }
}

static bool build(struct domain *domain, const struct domain_config *config)
{
    if (!allocate(domain, config))
        return false;
    init_vgic(domain, config);
    domain->nr_vcpus = config->nr_vcpus;
    for (unsigned i = 0; i < config->nr_vcpus; i++)
        init_vcpu(domain, i);
    if (domain->id == DOM0_ID)
        return pvtime_map(domain);
    return build_domu(domain) && pvtime_map(domain);
}

void domain_unplace(struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        affinity_leave(domain->vcpu[i]);
        balance_unplace(domain->vcpu[i]);
    }
}

int64_t domain_create(const struct domain_config *config, struct domain **result)
{
    unsigned most = gic_info.version == 2 ? DOMU_MAX_VCPUS_V2 : DOMAIN_MAX_VCPUS;

    if (config->nr_vcpus == 0 || config->nr_vcpus > most || config->name[0] == '\0')
        return TARN_EINVAL;
    spin_lock(&domain_table.lock);
    bool room = balance_has_room(config->nr_vcpus, affinity_common());
    int64_t id = room ? find_id(config->name) : TARN_ENOSPC;
    struct domain *domain = NULL;
    if (id >= 0)
        domain = heap_alloc(pages_for(sizeof(*domain)), (uint16_t)id);
    if (domain) {
        domain->id = (uint16_t)id;
        memcpy(domain->name, config->name, sizeof(domain->name));
        domain->name[TARN_NAME_SIZE - 1] = '\0';
        domain->time_offset = id == DOM0_ID ? 0 : timer_now();
        domain->ram_start = domain->ram_end = DOMU_RAM_BASE;
        domain->weight = SHARE_WEIGHT;
        memset(domain->last_vcpu, 0xff, sizeof(domain->last_vcpu));
        if (build(domain, config)) {
            *result = domain;
            __atomic_store_n(&domain_table.domain[id], domain, __ATOMIC_RELEASE);
        } else {
            domain_unplace(domain);
            domain_free(domain);
            domain = NULL;
        }
    }
    spin_unlock(&domain_table.lock);
    return id < 0 ? id : domain ? TARN_OK : TARN_ENOMEM;
}

int64_t domain_vdev_create(struct domain *domain, uint64_t index, uint64_t device_id,
                           uint64_t nr_queues)
{
    int64_t status = TARN_EINVAL;

    spin_lock(&domain->lock);
    if (domain->state != TARN_STATE_CREATED) {
        status = TARN_EBUSY;
    } else if (index < TARN_MAX_VDEVS && domain->vdev[index].device_id != 0) {
        status = TARN_EEXIST;
    } else if (index < TARN_MAX_VDEVS && vdev_init(&domain->vdev[index], domain->notify,
                                                   (unsigned)index, device_id, nr_queues)) {
        bool added = mmio_table_add(&domain->mmio, DOMU_VIRTIO_BASE + index * DOMU_VIRTIO_STRIDE,
                                    DOMU_VIRTIO_STRIDE, vdev_access, &domain->vdev[index]);
        domain->vdev[index].device_id = added ? (uint32_t)device_id : 0;
        status = added ? TARN_OK : TARN_ENOSPC;
    }
    spin_unlock(&domain->lock);
    return status;
}

/* RAM is to lie in one piece, by whole GiBs where `more` says that there will be one. */
static pa_t place(struct domain *domain, ipa_t where, uint64_t more)
{
    pa_t before = POOL_ANYWHERE;

    if (where.v % GIB == 0 && more >= GIB)
        return POOL_NEW_GIB;
    if (where.v > DOMU_RAM_BASE)
        (void)stage2_lookup(&domain->stage2, ipa(where.v - TARN_BLOCK_SIZE), &before);
    return before;
}

/* A block of its own, or below its RAM a shared one: a new one, or the one that `from` has there.
 */
static bool take_block(struct domain *domain, ipa_t where, struct domain *from, uint64_t detail,
                       pa_t *block)
{
    if (!from)
        return pool_alloc(where.v < DOMU_RAM_BASE ? POOL_SHARED + 1 : domain->id,
                          place(domain, where, detail), block);
    spin_lock(&domain_table.lock); /* until it is counted, `from` does not give it back */
    bool taken = from->state != TARN_STATE_DYING &&
                 stage2_lookup(&from->stage2, ipa(detail), block) && pool_share(*block);
    spin_unlock(&domain_table.lock);
    return taken;
}

/* dom0 sees the domain's own memory, at its physical address. */
static bool map_block(struct domain *domain, ipa_t where, pa_t block, bool shared)
{
    if (!stage2_map(&domain->stage2, where, block, TARN_BLOCK_SIZE,
                    shared ? STAGE2_RAM_NX : STAGE2_RAM))
        return false;
    if (shared || stage2_map(&dom0()->stage2, ipa(block.v), block, TARN_BLOCK_SIZE, STAGE2_RAM_NX))
        return true;
    (void)stage2_unmap(&domain->stage2, where, TARN_BLOCK_SIZE);
    return false;
}

/* The last block of a GiB of RAM is there: is all of it in one piece, it is mapped as one. */
static void merge(struct domain *domain, ipa_t base)
{
    pa_t first, at;

    if (!stage2_lookup(&domain->stage2, base, &first) || first.v % GIB)
        return;
    for (uint64_t i = TARN_BLOCK_SIZE; i < GIB; i += TARN_BLOCK_SIZE)
        if (!stage2_lookup(&domain->stage2, ipa(base.v + i), &at) || at.v != first.v + i)
            return;
    /* The table of its blocks becomes free: nothing is needed, so this cannot fail. */
    bool merged = stage2_unmap(&domain->stage2, base, GIB) &&
                  stage2_map(&domain->stage2, base, first, GIB, STAGE2_RAM);
    assert(merged);
}

int64_t domain_populate(struct domain *domain, ipa_t where, struct domain *from, uint64_t detail,
                        pa_t *block)
{
    uint64_t limit = MIN(DOMU_RAM_BASE + DOMU_RAM_MAX, BIT(stage2_ipa_bits));
    bool shared = where.v < DOMU_RAM_BASE;
    int64_t status = TARN_EBUSY;
    pa_t old;

    if (where.v % TARN_BLOCK_SIZE || where.v < DOMU_SHARED_BASE ||
        where.v > limit - TARN_BLOCK_SIZE)
        return TARN_EINVAL;
    /* In there is nothing but shared blocks. */
    if (from && (!shared || detail % TARN_BLOCK_SIZE || detail < DOMU_SHARED_BASE ||
                 detail >= DOMU_RAM_BASE))
        return TARN_EINVAL;
    if (!take_block(domain, where, from, detail, block))
        return from ? TARN_ENOENT : TARN_ENOMEM;
    spin_lock(&domain->lock);
    if (domain->state == TARN_STATE_CREATED) {
        if (stage2_lookup(&domain->stage2, where, &old))
            status = TARN_EEXIST;
        else
            status = map_block(domain, where, *block, shared) ? TARN_OK : TARN_ENOMEM;
    }
    if (status == TARN_OK) {
        domain->ram_start = MIN(domain->ram_start, where.v);
        domain->ram_end = MAX(domain->ram_end, where.v + TARN_BLOCK_SIZE);
        if (where.v % GIB == GIB - TARN_BLOCK_SIZE)
            merge(domain, ipa(align_down(where.v, GIB)));
    }
    spin_unlock(&domain->lock);
    if (status != TARN_OK)
        pool_free(*block, shared ? POOL_SHARED : domain->id);
    return status;
}

static void hold_all(struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        sched_hold(domain->vcpu[i]);
}

bool domain_is_off_cpu(struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        if (!sched_is_off_cpu(domain->vcpu[i]))
            return false;
    return true;
}

int64_t domain_start(struct domain *domain)
{
    spin_lock(&domain->lock);
    bool created = domain->state == TARN_STATE_CREATED;
    if (created)
        domain_set_state(domain, TARN_STATE_RUNNING);
    spin_unlock(&domain->lock);
    if (!created)
        return TARN_EBUSY;
    (void)domain_vcpu_on(domain, 0, domain->entry[0], domain->entry[1]);
    return TARN_OK;
}

int64_t domain_pause(struct domain *domain)
{
    if (domain->id == DOM0_ID)
        return TARN_EINVAL;
    spin_lock(&domain->lock);
    uint8_t state = domain->state;
    if (state == TARN_STATE_RUNNING) {
        domain_set_state(domain, TARN_STATE_PAUSED);
        hold_all(domain);
    }
    spin_unlock(&domain->lock);
    if (state != TARN_STATE_RUNNING && state != TARN_STATE_PAUSED)
        return TARN_EBUSY;
    return domain_is_off_cpu(domain) ? TARN_OK : TARN_EAGAIN;
}

int64_t domain_unpause(struct domain *domain)
{
    spin_lock(&domain->lock);
    bool paused = domain->state == TARN_STATE_PAUSED;
    if (paused) {
        domain_set_state(domain, TARN_STATE_RUNNING);
        for (unsigned i = 0; i < domain->nr_vcpus; i++)
            sched_release(domain->vcpu[i]);
    }
    spin_unlock(&domain->lock);
    return paused ? TARN_OK : TARN_EBUSY;
}

void domain_stop(struct domain *domain, uint8_t reason)
{
    spin_lock(&domain->lock);
    bool live = domain->state == TARN_STATE_RUNNING || domain->state == TARN_STATE_PAUSED;
    if (live) {
        domain->reason = reason;
        domain_set_state(domain,
                         reason >= TARN_REASON_FAULT ? TARN_STATE_CRASHED : TARN_STATE_SHUTDOWN);
        hold_all(domain);
    }
    spin_unlock(&domain->lock);
    if (live)
        upcall_event(domain, TARN_EVENT_STATE);
}

void domain_kick_slow(struct domain *domain, vcpu_mask_t mask)
{
    while (mask) {
        unsigned id = (unsigned)__builtin_ctzl(mask);
        mask &= mask - 1;
        assert(id < domain->nr_vcpus);
        sched_kick(domain->vcpu[id]);
    }
}

bool domain_vcpu_is_off(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->state, __ATOMIC_ACQUIRE) == VCPU_OFF && switch_is_out(vcpu);
}

bool domain_vcpu_on(struct domain *domain, unsigned id, uint64_t pc, uint64_t x0)
{
    struct vcpu *vcpu = domain->vcpu[id];

    spin_lock(&domain->lock);
    bool off = domain_vcpu_is_off(vcpu);
    if (off) {
        domain->online++;
        vcpu_set_entry(vcpu, pc, x0);
        vtimer_init(&vcpu->timer, domain->time_offset);
        vgic_reset_cpu(&domain->vgic, id);
        (void)sched_wake_from(vcpu, VCPU_OFF);
    }
    spin_unlock(&domain->lock);
    return off;
}

int64_t domain_share(struct domain *domain, uint64_t *x)
{
    uint64_t most = 100 * domain->nr_vcpus;

    if (x[2] > SHARE_WEIGHT_MAX)
        return TARN_EINVAL;
    spin_lock(&domain->lock);
    if (x[2])
        domain->weight = (uint16_t)x[2];
    if (x[3] != UINT64_MAX)
        domain->cap = (uint32_t)(x[3] < most ? x[3] : 0);
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        sched_set_share(domain->vcpu[i], domain->weight, share_times.period * domain->cap / most);
    x[2] = domain->weight;
    x[3] = domain->cap;
    spin_unlock(&domain->lock);
    return TARN_OK;
}

int64_t domain_watchdog(struct domain *domain)
{
    domain_stop(domain, TARN_REASON_WATCHDOG);
    return domain->reason == TARN_REASON_WATCHDOG ? TARN_OK : TARN_EBUSY;
}

void domain_vcpu_off(struct vcpu *vcpu, uint8_t reason)
{
    struct domain *domain = vcpu->domain;

    timers_vcpu_stop(vcpu);
    spin_lock(&domain->lock);
    bool last = --domain->online == 0;
    spin_unlock(&domain->lock);
    sched_block(vcpu, VCPU_OFF);
    if (!last)
        return;
    if (domain->id == DOM0_ID && reason == TARN_REASON_FAULT) {
        log_error("dom0 has crashed: ESR %lx, pc %lx; reset", domain->fault[0], domain->fault[2]);
        smc_psci_system(false);
    }
    domain_stop(domain, reason);
}

void domain_vcpu_lost(struct vcpu *vcpu, uint64_t esr)
{
    struct domain *domain = vcpu->domain;

    domain->fault[0] = esr;
    domain->fault[1] = sysreg_read(far_el2);
    domain->fault[2] = sysreg_read(elr_el2);
    domain_vcpu_off(vcpu, TARN_REASON_FAULT);
}
