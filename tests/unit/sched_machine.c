/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for the scheduler, see sched_machine.h. */
#include "sched_machine.h"

#include "core/grace.h"
#include "core/post.h"
#include "core/switch.h"
#include "core/timers.h"
#include "core/trap.h"
#include "gic/gic.h"
#include "mm/tlb.h"

#define HCR_TWI BIT(13)

struct machine machine;
struct domain_table domain_table;

static struct domain domains[MACHINE_MAX / DOMAIN_VCPUS];
static struct guest guests[MACHINE_MAX];
static bool in_el2[MACHINE_CPUS];
static struct timer_cpu *timers[MACHINE_CPUS];
static bool between; /* another CPU has come in between */

/* The registers that matter, of each CPU; others forget what is written. */
static uint64_t *sysreg(const char *name)
{
    static uint64_t other;
    struct machine_cpu *cpu = &machine.cpu[host_cpu_id];

    if (strcmp(name, "cntpct_el0") == 0)
        return &machine.now;
    if (strcmp(name, "cnthp_cval_el2") == 0)
        return &cpu->cnthp_cval;
    if (strcmp(name, "cntv_cval_el0") == 0)
        return &cpu->cntv_cval;
    if (strcmp(name, "cntv_ctl_el0") == 0)
        return &cpu->cntv_ctl;
    if (strcmp(name, "hcr_el2") == 0)
        return &cpu->hcr;
    other = strcmp(name, "cntfrq_el0") == 0 ? S : 0;
    return &other;
}

uint64_t host_sysreg_read(const char *name)
{
    uint64_t value = *sysreg(name);

    if (strcmp(name, "cntv_ctl_el0") == 0 && value && machine.now >= *sysreg("cntv_cval_el0"))
        value |= CNT_CTL_ISTATUS;
    return value;
}

void host_sysreg_write(const char *name, uint64_t value)
{
    *sysreg(name) = value;
}

void host_lock_gap(void)
{
    unsigned cpu = host_cpu_id;

    if (between || machine.chance == 0 || unit_random_below(machine.chance) != 0)
        return;
    for (unsigned i = 0; i < cpu_count; i++)
        if (spin_is_locked(&pcpus[i].lock))
            return;
    between = true;
    machine.meanwhile(cpu);
    between = false;
    host_cpu_id = cpu;
}

bool host_lock_is_free(const spinlock_t *lock)
{
    (void)lock;
    return !machine.trylock_fails || unit_random_below(4) != 0;
}

/* Time passes: who is in the guest runs, who wants to is owed its weight's part. */
static void pass(uint64_t ticks)
{
    uint64_t weights[MACHINE_CPUS] = {0};

    for (unsigned i = 0; i < machine.nr_guests; i++)
        if (guest_wants(machine.guest[i]))
            weights[machine.guest[i]->vcpu.pcpu->id] += machine.guest[i]->vcpu.share.weight;
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        struct guest *guest = machine.guest[i];
        if (guest_wants(guest))
            guest->owed +=
                (double)ticks * guest->vcpu.share.weight / (double)weights[guest->vcpu.pcpu->id];
    }
    for (unsigned i = 0; i < cpu_count; i++) {
        struct guest *guest = machine.cpu[i].inside;
        if (!guest || guest->asleep)
            continue;
        guest->ran += ticks;
        guest->work -= MIN(guest->work, ticks);
    }
    machine.now += ticks;
}

/* What is around the scheduler. */

struct gic_info gic_info = {.version = 3};

void gic_enable_ppi(uint32_t intid)
{
    (void)intid;
}

static void send_sgi(unsigned cpu, uint32_t sgi)
{
    assert_true(sgi == SGI_KICK || sgi == SGI_POST);
    assert_true(cpu < cpu_count);
    machine.cpu[cpu].kicked = true;
    machine.cpu[cpu].asked |= sgi == SGI_KICK;
}

struct gic_ops gic_ops = {.send_sgi = send_sgi};

/* Nobody is ready: the CPU waits, and begins to decide anew at the next interrupt. */
void irq_handle_one(struct pcpu *cpu)
{
    assert_int_equal(cpu->id, host_cpu_id);
    longjmp(machine.cpu[cpu->id].idle, 1);
}

void context_load(const struct el1_context *context)
{
    (void)context;
    machine.switches++;
    if (machine.switch_cost)
        pass(machine.switch_cost);
}

void context_save(struct el1_context *context)
{
    (void)context;
}

bool context_has_pauth;

/* What a vCPU sent becomes known to another one, of this CPU or not. */
vcpu_mask_t vgic_flush(struct vgic *vgic, struct vgic_cpu *cpu)
{
    (void)vgic;
    if (machine.chance && unit_random_below(machine.chance) == 0)
        machine_interrupt(machine.guest[unit_random_below(machine.nr_guests)]);
    cpu->dirty = false;
    return 0;
}

vcpu_mask_t vgic_save(struct vgic *vgic, struct vgic_cpu *cpu)
{
    (void)vgic;
    (void)cpu;
    return 0;
}

void vgic_load(struct vgic *vgic, struct vgic_cpu *cpu)
{
    (void)vgic;
    (void)cpu;
}

void vgic_set_pcpu(struct vgic *vgic, struct vgic_cpu *cpu, unsigned pcpu)
{
    (void)vgic;
    (void)cpu;
    assert_true(pcpu < cpu_count);
}

vcpu_mask_t vgic_set_level(struct vgic *vgic, unsigned vcpu, uint32_t intid, bool level)
{
    (void)vgic;
    (void)vcpu;
    (void)intid;
    (void)level;
    return 0;
}

void domain_kick_slow(struct domain *domain, vcpu_mask_t mask)
{
    (void)domain;
    (void)mask;
}

void stage2_load(const struct stage2 *s2)
{
    (void)s2;
}

void tlb_flush_guest_local(void)
{
}

void context_reset(struct el1_context *context)
{
    (void)context;
}

void fp_save(struct fp_context *fp)
{
    (void)fp;
}

void fp_load(const struct fp_context *fp)
{
    (void)fp;
}

void post_take(struct pcpu *cpu)
{
    (void)cpu;
}

void request_finish(struct vcpu *vcpu, uint64_t value)
{
    (void)value;
    guest_of(vcpu)->event = true;
}

void guest_enter(struct vcpu *vcpu)
{
    fail_msg("entered vCPU %u", vcpu->id);
    abort();
}

/* Guests. */

static uint64_t draw(uint64_t mean)
{
    return mean < 2 ? 1 : mean / 2 + unit_random_below(mean);
}

static bool by_timer(const struct guest *guest)
{
    return guest->habit == PERIOD || guest->habit == SLEEP;
}

void machine_interrupt(struct guest *guest)
{
    guest->event = true;
    guest->vcpu.vgic.dirty = true;
    sched_kick(&guest->vcpu);
}

static void fall_asleep(struct guest *guest)
{
    struct machine_cpu *cpu = &machine.cpu[host_cpu_id];

    guest->asleep = true;
    guest->due =
        guest->habit == PERIOD ? guest->due + guest->pauses : machine.now + draw(guest->pauses);
    if (by_timer(guest)) {
        cpu->cntv_cval = guest->due;
        cpu->cntv_ctl = CNT_CTL_ENABLE;
    }
    if (guest->habit == CHAIN && guest->partner)
        machine_interrupt(guest->partner);
}

static void awake(struct guest *guest)
{
    if (by_timer(guest)) {
        machine.cpu[host_cpu_id].cntv_ctl = 0;
        guest->ringing = false;
    }
    guest->asleep = false;
    guest->event = false;
    guest->work = draw(guest->runs);
    guest->woken++;
}

/* WFI: it exits, or the guest stays where it is. */
static bool wait(struct guest *guest)
{
    if (guest->habit == REQUEST) {
        sched_block(&guest->vcpu, VCPU_WAIT_REQUEST);
        return false;
    }
    if (!(machine.cpu[host_cpu_id].hcr & HCR_TWI))
        return true;
    sched_block(&guest->vcpu, VCPU_WAIT_EVENT);
    return false;
}

/* The guest is entered: false if it comes back at once. */
static bool proceed(struct guest *guest)
{
    if (!guest->asleep && guest->work > 0)
        return true;
    if (guest->habit == YIELD) {
        guest->work = draw(guest->runs);
        sched_yield(&guest->vcpu);
        return false;
    }
    if (guest->habit == HOG) {
        guest->work = UINT64_MAX;
        return true;
    }
    if (!guest->asleep)
        fall_asleep(guest);
    if (!(by_timer(guest) ? machine.now >= guest->due : guest->event))
        return wait(guest);
    awake(guest);
    return true;
}

/* Physical CPUs. */

static struct vcpu *decide(struct machine_cpu *cpu, struct vcpu *vcpu)
{
    if (setjmp(cpu->idle) != 0)
        return NULL;
    vcpu = sched_enter(vcpu);
    assert_true(!vcpu->hazard || cpu->kicked);
    return vcpu;
}

static void enter(void)
{
    struct machine_cpu *cpu = &machine.cpu[host_cpu_id];
    struct vcpu *vcpu = cpu->inside ? &cpu->inside->vcpu : NULL;
    bool idled = !vcpu;

    cpu->inside = NULL;
    do {
        if (vcpu && vgic_needs_flush(&vcpu->vgic))
            (void)vgic_flush(&vcpu->domain->vgic, &vcpu->vgic);
        if (!vcpu || vcpu->hazard)
            vcpu = decide(cpu, vcpu);
    } while (vcpu && (!proceed(guest_of(vcpu)) || vcpu->hazard));
    cpu->inside = vcpu ? guest_of(vcpu) : NULL;
    if (!vcpu && !idled)
        cpu->idle_since = machine.now;
}

unsigned machine_exit(unsigned cpu)
{
    unsigned before = host_cpu_id;

    assert_false(in_el2[cpu]);
    in_el2[cpu] = true;
    host_cpu_id = cpu;
    return before;
}

void machine_enter(unsigned before)
{
    enter();
    in_el2[host_cpu_id] = false;
    host_cpu_id = before;
}

static bool ringing(unsigned cpu)
{
    const struct machine_cpu *c = &machine.cpu[cpu];

    return pcpus[cpu].loaded && c->cntv_ctl && machine.now >= c->cntv_cval &&
           !guest_of(pcpus[cpu].loaded)->ringing;
}

static bool interrupted(unsigned cpu)
{
    return machine.cpu[cpu].kicked || machine.now >= machine.cpu[cpu].cnthp_cval || ringing(cpu);
}

static void take_interrupts(struct pcpu *cpu)
{
    struct machine_cpu *c = &machine.cpu[cpu->id];

    if (c->kicked) {
        c->kicked = false;
        if (c->asked)
            sched_kicked(cpu);
        c->asked = false;
    }
    if (machine.now >= c->cnthp_cval && timer_interrupt() && cpu->current)
        vcpu_raise(cpu->current, HAZARD_RESCHED);
    if (ringing(cpu->id)) {
        guest_of(cpu->loaded)->ringing = true;
        cpu->loaded->vgic.dirty = true;
        sched_kick(cpu->loaded);
    }
}

static bool awaits_others(const struct guest *guest)
{
    return guest->asleep && !guest->event && (guest->habit == DEVICE || guest->habit == REQUEST);
}

/* When something happens next, not before now and not after `end`. */
static uint64_t next_event(uint64_t end)
{
    uint64_t when = end;

    for (unsigned i = 0; i < cpu_count; i++) {
        const struct machine_cpu *cpu = &machine.cpu[i];
        if (interrupted(i))
            return machine.now;
        when = MIN(when, cpu->cnthp_cval);
        if (pcpus[i].loaded && cpu->cntv_ctl && !guest_of(pcpus[i].loaded)->ringing)
            when = MIN(when, cpu->cntv_cval);
        if (cpu->inside && !cpu->inside->asleep && cpu->inside->work < when - machine.now)
            when = machine.now + cpu->inside->work;
    }
    for (unsigned i = 0; i < machine.nr_guests; i++)
        if (awaits_others(machine.guest[i]))
            when = MIN(when, MAX(machine.guest[i]->due, machine.now));
    return when;
}

static void happen(void)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        const struct guest *inside = machine.cpu[i].inside;
        if (interrupted(i) || (inside && !inside->asleep && inside->work == 0))
            AS_CPU(i, take_interrupts(&pcpus[i]));
    }
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        struct guest *guest = machine.guest[i];
        if (!awaits_others(guest) || machine.now < guest->due)
            continue;
        if (guest->habit == DEVICE)
            AS_CPU((unsigned)unit_random_below(cpu_count), machine_interrupt(guest));
        else
            AS_CPU((unsigned)unit_random_below(cpu_count), (void)sched_reply(&guest->vcpu, 0));
    }
}

/* Notes who has begun to wait, and for how long the others have. */
static void observe(void)
{
    for (unsigned i = 0; i < machine.nr_guests; i++) {
        struct guest *guest = machine.guest[i];
        bool inside = machine.cpu[guest->vcpu.pcpu->id].inside == guest;
        if (guest->waits)
            guest->longest = MAX(guest->longest, machine.now - guest->since);
        if (!guest->waits)
            guest->since = machine.now;
        guest->waits = guest_wants(guest) && !inside;
    }
}

/* The longest time that a CPU has been idle while somebody waited who may run there. */
static void observe_idle(void)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        if (machine.cpu[i].inside)
            continue;
        for (unsigned k = 0; k < machine.nr_guests; k++) {
            const struct guest *guest = machine.guest[k];
            uint64_t since = MAX(machine.cpu[i].idle_since, guest->since);
            if (guest->vcpu.share.waits && pcpu_may_run(&pcpus[i], &guest->vcpu))
                machine.idle_beside = MAX(machine.idle_beside, machine.now - since);
        }
    }
}

void machine_run(uint64_t ticks)
{
    uint64_t end = machine.now + ticks;

    while (machine.now < end) {
        uint64_t when = next_event(end);
        if (when > machine.now)
            pass(when - machine.now);
        observe_idle();
        happen();
        observe();
        machine.steps++;
        if (machine.steps % machine.check_each == 0)
            machine_check();
    }
}

/* What the scheduler believes. */

static void check_guest(const struct guest *guest)
{
    const struct vcpu *vcpu = &guest->vcpu;
    const struct share *share = &vcpu->share;
    const struct pcpu *cpu = vcpu->pcpu;
    bool current = cpu->current == vcpu;

    if (share->waits) {
        assert_true(vcpu->state == VCPU_READY && !vcpu->held && !current);
        assert_true(share->ready.index < cpu->queue.waiting.count);
        assert_ptr_equal(cpu->queue.waiting.slot[share->ready.index], &share->ready);
        assert_int_equal(share->elsewhere, (vcpu->cpus & ~BIT(cpu->id)) != 0);
    } else if (vcpu->state == VCPU_READY && !vcpu->held) {
        assert_ptr_equal(vcpu->refill.timer, timers[cpu->id]); /* else it is lost */
    }
    if (vcpu->state == VCPU_WAIT_EVENT) {
        assert_false(vcpu->vgic.dirty);
        assert_false(guest->asleep && !by_timer(guest) && guest->event); /* it missed that */
        assert_true(!guest->asleep || !by_timer(guest) || vcpu->wake.timer || cpu->loaded == vcpu ||
                    vcpu->domain == machine.dying);
    }
    assert_int_equal(current, vcpu->state == VCPU_RUNNING);
    assert_int_equal(share->counted, share->waits || current);
    for (unsigned i = 0; i < cpu_count; i++)
        assert_true(pcpus[i].loaded != vcpu || i == cpu->id);
}

static void check_cpu(const struct pcpu *cpu)
{
    const struct machine_cpu *c = &machine.cpu[cpu->id];
    uint64_t load = 0;
    unsigned movable = 0, waiting = 0, residents = 0, claims = 0;

    for (unsigned i = 0; i < machine.nr_guests; i++) {
        const struct vcpu *vcpu = &machine.guest[i]->vcpu;
        claims += (vcpu->cpus & BIT(cpu->id)) != 0;
        if (vcpu->pcpu != cpu)
            continue;
        residents++;
        waiting += vcpu->share.waits;
        load += vcpu->share.counted ? vcpu->share.weight : 0;
        movable += vcpu->share.waits && (vcpu->cpus & ~BIT(cpu->id));
    }
    assert_int_equal(cpu->queue.load, load);
    assert_int_equal(cpu->queue.movable, movable);
    assert_int_equal(cpu->queue.waiting.count, waiting);
    assert_int_equal(cpu->residents, residents);
    assert_int_equal(cpu->claims, claims);
    assert_ptr_equal(cpu->current, c->inside ? &c->inside->vcpu : NULL);
    if (c->kicked)
        return;
    /* It has nothing to look at. */
    if (!cpu->current) {
        assert_int_equal(waiting, 0);
        return;
    }
    assert_int_equal(cpu->current->hazard & HAZARD_RESCHED, 0);
    assert_false(cpu->current->held);
    assert_true(pcpu_may_run(cpu, cpu->current));
    assert_int_equal((c->hcr & HCR_TWI) != 0, claims > 1);
    if (waiting)
        assert_true(c->cnthp_cval <= cpu->switched_in + timer_ns_to_ticks(SCHED_SLICE_NS));
    if (cpu->current->share.cap)
        assert_true(c->cnthp_cval <= cpu->switched_in + share_times.period);
}

void machine_check(void)
{
    for (unsigned i = 0; i < machine.nr_guests; i++)
        check_guest(machine.guest[i]);
    for (unsigned i = 0; i < cpu_count; i++)
        check_cpu(&pcpus[i]);
}

/* Beginning and end. */

static void list_guests(void)
{
    machine.nr_guests = 0;
    for (unsigned i = 0; i < MACHINE_MAX; i++)
        if (domain_table.domain[i / DOMAIN_VCPUS])
            machine.guest[machine.nr_guests++] = &guests[i];
}

void machine_create(unsigned id)
{
    struct domain *domain = &domains[id];

    memset(domain, 0, sizeof(*domain));
    memset(domain->last_vcpu, 0xff, sizeof(domain->last_vcpu));
    domain->id = (uint16_t)id;
    domain->nr_vcpus = DOMAIN_VCPUS;
    spin_lock(&domain_table.lock);
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++) {
        struct guest *guest = &guests[id * DOMAIN_VCPUS + i];
        memset(guest, 0, sizeof(*guest));
        domain->vcpu[i] = &guest->vcpu;
        vcpu_init(&guest->vcpu, domain, i, balance_place(affinity_common()));
        sched_vcpu_init(&guest->vcpu);
        affinity_enter(&guest->vcpu, UINT64_MAX);
    }
    domain_table.domain[id] = domain;
    spin_unlock(&domain_table.lock);
    list_guests();
}

static bool is_out(const struct domain *domain)
{
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++)
        if (!sched_is_off_cpu(domain->vcpu[i]) || !switch_is_out(domain->vcpu[i]))
            return false;
    return true;
}

void machine_destroy(unsigned id)
{
    struct domain *domain = &domains[id];

    machine.dying = domain;
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++)
        AS_CPU(0, sched_hold(domain->vcpu[i]));
    for (unsigned tries = 0; !is_out(domain); tries++) {
        assert_true(tries < 100);
        machine_run(US);
    }
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++)
        sched_retire(domain->vcpu[i]);
    uint64_t period = grace_begin();
    for (unsigned tries = 0; !grace_passed(period); tries++) {
        assert_true(tries < 100);
        machine_run(US);
    }
    spin_lock(&domain_table.lock);
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++) {
        affinity_leave(domain->vcpu[i]);
        balance_unplace(domain->vcpu[i]);
    }
    domain_table.domain[id] = NULL;
    spin_unlock(&domain_table.lock);
    for (unsigned i = 0; i < DOMAIN_VCPUS; i++) {
        const struct vcpu *vcpu = domain->vcpu[i];
        assert_false(vcpu->wake.timer || vcpu->ptimer.timer || vcpu->refill.timer);
        assert_false(vcpu->share.waits || vcpu->share.counted);
    }
    list_guests();
    machine.dying = NULL;
}

/* The timer's queues stay from test to test. */
static void disarm_all(void)
{
    for (host_cpu_id = 0; host_cpu_id < MACHINE_CPUS; host_cpu_id++) {
        struct deadline probe = {0};
        timer_arm(&probe, 0);
        timers[host_cpu_id] = probe.timer;
        timer_disarm(&probe);
        for (unsigned i = 0; i < MACHINE_MAX; i++) {
            struct vcpu *vcpu = &guests[i].vcpu;
            struct deadline *all[] = {&vcpu->wake, &vcpu->ptimer, &vcpu->refill};
            for (unsigned k = 0; k < ARRAY_SIZE(all); k++)
                if (all[k]->timer == timers[host_cpu_id])
                    timer_disarm(all[k]);
        }
    }
}

void machine_boot(unsigned cpus, unsigned nr_domains)
{
    for (unsigned i = 0; i < machine.nr_guests; i++)
        if (machine.guest[i]->vcpu.dedicated)
            assert_int_equal(affinity_set(&machine.guest[i]->vcpu, UINT64_MAX, false), TARN_OK);
    cpu_count = cpus;
    disarm_all();
    memset(&domain_table, 0, sizeof(domain_table));
    memset(&machine, 0, sizeof(machine));
    memset(guests, 0, sizeof(guests));
    memset(pcpus, 0, sizeof(pcpus));
    memset(in_el2, 0, sizeof(in_el2));
    between = false;
    balance_idle_cpus = 0;
    machine.now = S;
    machine.check_each = 64;
    timer_init();
    for (host_cpu_id = 0; host_cpu_id < cpus; host_cpu_id++)
        timer_init_cpu();
    host_cpu_id = 0;
    sched_init();
    for (unsigned i = 0; i < nr_domains; i++)
        machine_create(i);
    for (unsigned i = 0; i < cpus; i++)
        AS_CPU(i, );
}

void machine_start(struct guest *guest, enum habit habit, uint64_t runs, uint64_t pauses)
{
    guest->habit = habit;
    guest->runs = runs;
    guest->pauses = pauses;
    guest->due = machine.now;
    guest->work = habit == HOG ? UINT64_MAX : draw(runs);
    AS_CPU(0, (void)sched_wake_from(&guest->vcpu, VCPU_OFF));
    observe();
}
