/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual CPU: its registers, its state and the word that is tested before every guest entry.
 * May include guests/abi, platform, mm, timer, gic, virtio.
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "core/context.h"
#include "core/layout.h"
#include "core/share.h"
#include "core/trace.h"
#include "gic/vgic.h"
#include "mm/trap_mmio.h"
#include "platform/panic.h"
#include "platform/types.h"
#include "timer/vtimer.h"

struct domain;
struct pcpu;

/* Written by vcpu_set_state alone, under the run-queue lock of the vCPU's CPU. */
enum vcpu_state {
    VCPU_OFF,          /* PSCI: not started, or CPU_OFF */
    VCPU_READY,        /* wants to run; in the run queue unless held */
    VCPU_RUNNING,      /* on its CPU, or in EL2 on its behalf */
    VCPU_WAIT_EVENT,   /* WFI: until an interrupt is pending */
    VCPU_WAIT_REQUEST, /* a register access is with the backend: until its reply */
    VCPU_STATES
};

/* Hazard bits: why the next guest entry has to look up. Set by any CPU, atomically. */
#define HAZARD_RESCHED BIT32(0) /* the scheduler has to decide */
#define HAZARD_TRACE   BIT32(1) /* the entry is to be traced */

#define EXIT_CLASSES 64 /* ESR_EL2.EC */

struct vcpu {
    uint64_t x[32];     /* general registers while not in the guest; x[31] is 0 after an exit */
    uint64_t stack_top; /* VCPU_STACK: EL2 stack of its CPU */

    /* Read on every exit. */
    struct domain *domain;
    struct pcpu *pcpu;                /* its home, where it runs; constant while it is loaded */
    uint32_t hazard;                  /* VCPU_HAZARD */
    uint32_t id;                      /* number in its domain */
    uint64_t exits[EXIT_CLASSES + 1]; /* VCPU_EXITS: by exception class; the last counts IRQs */
    struct vgic_cpu vgic;             /* VCPU_DIRTY: the first byte */

    /* Scheduler; see core/sched.c. */
    enum vcpu_state state;
    bool held;              /* paused or dying: does not wait for a CPU */
    bool yields;            /* the next to run goes before it */
    struct share share;     /* in the queue of `pcpu` */
    struct deadline refill; /* of the cap it has used up */
    struct vcpu *next;      /* retired */
    uint64_t posted;        /* core/post.c: interrupts left for its CPU, a bit a line */
    struct vcpu *next_post; /* valid while posted is not 0 */
    uint64_t cpus;          /* a bit a CPU that it may run on; changed by core/affinity.c */
    uint64_t wanted;        /* the same as it was asked for */
    bool dedicated;         /* its CPU runs nobody else */
    uint64_t *upcall;       /* dom0's: its words of the upcall page */
    uint64_t *stolen;       /* ns, where its guest reads it, or NULL; see core/pvtime.c */
    uint64_t since;         /* ticks up to which `spent` counts */
    uint64_t spent[VCPU_STATES + 1]; /* ticks in each state; the last: held */
    struct deadline wake;            /* virtual or physical timer of a vCPU that is not running */
    struct deadline ptimer;          /* emulated physical timer of the loaded vCPU */

    uint64_t vmpidr;           /* VMPIDR_EL2, constant */
    uint64_t serror;           /* HCR_EL2.VSE: a virtual SError that it has not taken yet */
    struct mmio_access access; /* the trapped access under way, or with the backend */
    const struct mmio_range *last_range; /* where the access before went */
    uint64_t request;                    /* ESR_EL2 of the access that is with the backend */
    struct vtimer timer;
    struct el1_context context; /* valid while not loaded */
    struct fp_context fp;       /* valid while no CPU holds it in registers */
};

/* Sets the reset state of a vCPU (Arm ARM, reset values), not runnable. x0 and pc come at CPU_ON.
 */
void vcpu_init(struct vcpu *vcpu, struct domain *domain, unsigned id, struct pcpu *pcpu);

/* Sets entry point, x0 and the PSCI-defined register state (DEN 0022, 6.4). Not loaded, state off.
 */
void vcpu_set_entry(struct vcpu *vcpu, uint64_t pc, uint64_t x0);

/*
 * Counts the time up to now for what it does: before that changes, and before `spent` is read.
 * now: ticks, read with the run-queue lock held, as it is.
 */
static inline void vcpu_account(struct vcpu *vcpu, uint64_t now)
{
    unsigned what = vcpu->held && vcpu->state != VCPU_RUNNING ? VCPU_STATES : vcpu->state;

    vcpu->spent[what] += now - vcpu->since;
    vcpu->since = now;
}

/* Bit t of row f: the state may change from f to t. */
extern const uint8_t vcpu_transitions[VCPU_STATES];

/* The one writer of the state: asserts that the transition is in the table. As vcpu_account. */
static inline void vcpu_set_state(struct vcpu *vcpu, enum vcpu_state state, uint64_t now)
{
    assert(state < VCPU_STATES && (vcpu_transitions[vcpu->state] & BIT32(state)));
    trace(vcpu, TARN_TRACE_STATE, state | vcpu->state << 8 | vcpu->held << 16);
    vcpu_account(vcpu, now);
    vcpu->state = state;
}

/* Makes its next guest entry look at `bits`. Any CPU; a vCPU in the guest must be kicked besides.
 */
static inline void vcpu_raise(struct vcpu *vcpu, uint32_t bits)
{
    __atomic_fetch_or(&vcpu->hazard, bits, __ATOMIC_RELEASE);
}

/*
 * Register of the vCPU by instruction number; 31 reads as zero and swallows writes (until the next
 * exit it reads as what was written, so a handler reads first).
 */
static inline uint64_t vcpu_reg(const struct vcpu *vcpu, unsigned rt)
{
    return vcpu->x[rt];
}

static inline void vcpu_set_reg(struct vcpu *vcpu, unsigned rt, uint64_t value)
{
    vcpu->x[rt] = value;
}

/* Returns to the guest; does not come back. The calling CPU's stack is dropped. */
__attribute__((noreturn)) void guest_enter(struct vcpu *vcpu);

#endif
