/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of the trace. Each CPU writes to its own ring, with IRQs masked, and overwrites the
 * oldest; nothing is ever read back from there. Exits come by vectors of their own, which a CPU
 * takes with its first interrupt after tracing began, and leaves with its first exit after it
 * ended; entries by a hazard bit, which such an exit leaves behind. May call core, mm, gic.
 */
#include "core/domain.h"
#include "core/grace.h"
#include "core/sched.h"
#include "core/trap.h"
#include "gic/gic_ops.h"
#include "mm/heap.h"

extern char el2_vectors[], el2_vectors_traced[];

volatile uint32_t trace_on;
static uint64_t heads[MAX_CPUS];

/* Once there, they stay: a CPU may be late to see trace_on. */
static struct tarn_trace_page *rings;
static uint64_t slots;  /* records of a ring */
static spinlock_t lock; /* calls of trace_control */

void trace_write(const struct vcpu *vcpu, enum tarn_trace_type type, uint64_t what, uint64_t value0,
                 uint64_t value1)
{
    dmb(ish); /* `rings` is not older than trace_on; the head before is seen before this record */
    unsigned cpu = cpu_id();
    struct tarn_trace_record *ring = (struct tarn_trace_record *)(rings + 1) + cpu * slots;

    ring[heads[cpu] % slots] = (struct tarn_trace_record){
        .time = timer_now(),
        .what = (uint32_t)what,
        .domain = vcpu ? vcpu->domain->id : 0,
        .vcpu = vcpu ? (uint8_t)vcpu->id : 0,
        .type = (uint8_t)type,
        .value = {value0, value1},
    };
    __atomic_store_n(&rings->cpu[cpu].head, ++heads[cpu], __ATOMIC_RELEASE);
    if (type == TARN_TRACE_IRQ)
        sysreg_write(vbar_el2, (uint64_t)el2_vectors_traced);
}

/* From el2_vectors_traced. What is said besides the syndrome is in guests/abi/notify.h. */
void trace_exit(struct vcpu *vcpu, bool synchronous)
{
    uint64_t esr = synchronous ? sysreg_read(esr_el2) : TARN_TRACE_ASYNCHRONOUS;
    uint64_t more = (uint32_t)vcpu->x[0] | vcpu->x[1] << 48 >> 16 | vcpu->x[2] << 48;

    if ((esr & ESR_EC(0x3b)) == ESR_EC(EC_IABT_LOW)) /* or EC_DABT_LOW */
        more = sysreg_read(hpfar_el2) << 32 >> 24 | FIELD(sysreg_read(far_el2), 11, 0) |
               vcpu_reg(vcpu, (unsigned)FIELD(esr, 20, 16)) << 40;
    if (trace_on) {
        vcpu_raise(vcpu, HAZARD_TRACE);
        trace_write(vcpu, TARN_TRACE_EXIT, esr, sysreg_read(elr_el2), more);
    } else {
        sysreg_write(vbar_el2, (uint64_t)el2_vectors);
    }
}

struct vcpu *trace_enter(struct vcpu *vcpu, uint32_t hazard)
{
    uint64_t pending = 0;

    __atomic_fetch_and(&vcpu->hazard, ~HAZARD_TRACE, __ATOMIC_RELAXED);
    if (hazard & HAZARD_RESCHED)
        vcpu = sched_enter(vcpu); /* who exited may be freed by now */
    for_each_bit(n, vcpu->vgic.lr_used)
        if (gic_virt.lr_state(n) & LR_PENDING)
            pending = pending << 16 | TARN_TRACE_INTID | vcpu->vgic.lr[n].intid;
    trace_write(vcpu, TARN_TRACE_ENTER, vcpu->vgic.injected, pending, 0);
    return vcpu;
}

int64_t trace_control(uint64_t *x)
{
    if (x[1] > TARN_TRACE_PAGES)
        return TARN_EINVAL;
    spin_lock(&lock);
    if (!rings && x[1] > 0) {
        slots = x[1] * (PAGE_SIZE / sizeof(struct tarn_trace_record));
        rings = domain_share_pages(1 + cpu_count * (unsigned)x[1], HEAP_OWNER_TARN);
    }
    __atomic_store_n(&trace_on, rings && x[1] > 0, __ATOMIC_RELEASE);
    spin_unlock(&lock);
    if (!rings)
        return TARN_ENOMEM;
    (void)grace_begin(); /* to each CPU an interrupt, with which it begins */
    x[1] = heap_pa(rings).v;
    x[2] = slots;
    return TARN_OK;
}
