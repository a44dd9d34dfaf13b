/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for the scheduler: physical CPUs with a clock that jumps from event to event, and
 * guests that run, sleep and wake each other. core/sched.c, share.c, balance.c, affinity.c,
 * switch.c, timers.c, vcpu.c, grace.c and the timers are the real ones.
 */
#ifndef SCHED_MACHINE_H
#define SCHED_MACHINE_H

#include "unit.h"

#include "core/affinity.h"
#include "core/balance.h"
#include "core/domain_table.h"
#include "core/sched.h"
#include "core/switch.h"
#include "core/timers.h"

#define US 100ul /* ticks */
#define MS (1000 * US)
#define S  (1000 * MS)

#define MACHINE_CPUS 8
#define DOMAIN_VCPUS 4
#define MACHINE_MAX  64 /* guests */

/* What a guest does when it has run for a while. */
enum habit {
    HOG,     /* runs on */
    PERIOD,  /* sleeps until its timer says that the next period has begun; late work is done */
    SLEEP,   /* sleeps for a time, its virtual timer wakes it */
    DEVICE,  /* the same, but an interrupt from anywhere */
    REQUEST, /* waits for its backend */
    CHAIN,   /* wakes its partner and waits to be woken */
    YIELD,   /* lets others run */
};

struct guest {
    struct vcpu vcpu;
    enum habit habit;
    uint64_t runs, pauses; /* ticks; drawn from 1/2 to 3/2 of it but for PERIOD */
    struct guest *partner;

    bool asleep;
    bool event;    /* that it sleeps for has come */
    uint64_t due;  /* when it is to come */
    uint64_t work; /* ticks until it acts again */
    bool ringing;  /* its virtual timer's interrupt is active */

    /* What was seen. */
    uint64_t ran;     /* ticks in the guest */
    double owed;      /* ticks that its weight's part of its home is, while it wants to run */
    bool waits;       /* ready and not in the guest, */
    uint64_t since;   /* from then on */
    uint64_t longest; /* that it took */
    uint64_t woken;   /* times */
};

struct machine_cpu {
    struct guest *inside; /* runs, or NULL: idle */
    bool kicked;          /* an SGI is to be taken */
    bool asked;           /* it is SGI_KICK */
    uint64_t idle_since;
    uint64_t cnthp_cval, cntv_cval, cntv_ctl, hcr;
    jmp_buf idle;
};

extern struct machine {
    uint64_t now;
    uint64_t switch_cost; /* ticks */
    unsigned nr_guests;
    struct guest *guest[MACHINE_MAX];
    struct machine_cpu cpu[MACHINE_CPUS];
    uint64_t switches, steps;
    uint64_t idle_beside; /* ticks that a CPU was idle while somebody waited who may run there */
    unsigned check_each;  /* steps; machine_check */

    const struct domain *dying; /* to be left alone, until it is gone */

    /* Called now and then where another CPU may come in between, with its number. */
    void (*meanwhile)(unsigned cpu);
    unsigned chance; /* one in so many; 0: never */
    bool trylock_fails;
} machine;

/* CPUs are idle, domains of DOMAIN_VCPUS guests exist and are off, at home where they were put. */
void machine_boot(unsigned cpus, unsigned domains);
void machine_create(unsigned domain);
void machine_destroy(unsigned domain); /* held and out of all registers, as core/destroy.c does */

/* A guest with nothing to do yet begins to live. */
void machine_start(struct guest *guest, enum habit habit, uint64_t runs, uint64_t pauses);

/* Lets time pass. */
void machine_run(uint64_t ticks);

/* An exit of that CPU to EL2: what is between is done there. */
#define AS_CPU(number, ...)                                                                        \
    do {                                                                                           \
        unsigned as_cpu_ = machine_exit(number);                                                   \
        __VA_ARGS__;                                                                               \
        machine_enter(as_cpu_);                                                                    \
    } while (0)
unsigned machine_exit(unsigned cpu);
void machine_enter(unsigned before);

/* The interrupt that a sleeping guest waits for, made pending on the calling CPU. */
void machine_interrupt(struct guest *guest);

/* All that can be computed anew is what the scheduler believes; nobody is lost. */
void machine_check(void);

static inline struct guest *guest_of(struct vcpu *vcpu)
{
    return (struct guest *)((char *)vcpu - offsetof(struct guest, vcpu));
}

/* Ready or running, and not held. */
static inline bool guest_wants(const struct guest *guest)
{
    return !guest->vcpu.held &&
           (guest->vcpu.state == VCPU_READY || guest->vcpu.state == VCPU_RUNNING);
}

#endif
