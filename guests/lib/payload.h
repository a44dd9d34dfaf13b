/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payload sees of the runtime: its list of tests, checks, output, expected exceptions, other
 * CPUs, and the map. May include platform/types.h, platform/sysreg.h, guests/lib/layout.h.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include "guests/lib/layout.h"
#include "platform/sysreg.h"
#include "platform/types.h"

/* First byte of the image, wherever it was put; behind its last one. */
extern char image_start[], image_end[];

/* Tests. */

struct payload_test {
    const char *name;
    void (*run)(void);
    unsigned cpus;   /* skipped with fewer; 0: any */
    bool needs_tarn; /* skipped elsewhere */
};

/* Given by the payload; the last entry has no name. */
extern const struct payload_test payload_tests[];

/* x0 at the start: the device tree, or what VCPU_INIT was given. */
extern uint64_t payload_argument;

/* True when SMCCC's hypervisor UID is Tarn's. */
extern bool under_tarn;

/* A line of output that TAP ignores ("# ..."). */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

/* Raw output, any CPU. */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

/* Marks the running test as failed and says where and why. Any CPU. */
__attribute__((format(printf, 3, 4))) void fail_at(const char *file, int line, const char *format,
                                                   ...);

/* Marks the running test as skipped. */
void skip(const char *reason);

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_at(__FILE__, __LINE__, "%s", #condition);                                         \
    } while (0)

#define check_equal(is, expected)                                                                  \
    do {                                                                                           \
        uint64_t is_ = (uint64_t)(is), expected_ = (uint64_t)(expected);                           \
        if (is_ != expected_)                                                                      \
            fail_at(__FILE__, __LINE__, "%s is 0x%lx, expected 0x%lx", #is, is_, expected_);       \
    } while (0)

/* Stops the machine; does not return. */
__attribute__((noreturn)) void power_off(void);

/* Exceptions. */

struct frame {
    uint64_t x[31];
    uint64_t elr, spsr, esr, far, padding;
};
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "layout.h");

/* What was taken while exceptions were expected; the last one's registers. */
struct caught {
    unsigned count;
    uint64_t esr, far, elr;
};
#define CAUGHT_EC(c) FIELD((c).esr, 31, 26)

#define EC_UNKNOWN   0x00
#define EC_SVC64     0x15
#define EC_HVC64     0x16
#define EC_SYSREG    0x18
#define EC_IABT_LOW  0x20
#define EC_IABT_SAME 0x21
#define EC_DABT_LOW  0x24
#define EC_DABT_SAME 0x25
#define EC_BRK       0x3c
#define FSC(c)       FIELD((c).esr, 5, 0)
#define FSC_EXTERNAL 0x10

/*
 * Between the two, synchronous exceptions of the calling CPU are recorded and the instruction is
 * skipped (an instruction abort returns to x30). Outside, they end the payload with a dump.
 */
void expect_begin(void);
struct caught expect_end(void);

#define CATCH(statement)                                                                           \
    ({                                                                                             \
        expect_begin();                                                                            \
        statement;                                                                                 \
        expect_end();                                                                              \
    })

/* Runs a function without a stack at EL0, in the view where EL0 may, until it takes an exception.
 */
struct caught run_at_el0(void (*code)(uint64_t), uint64_t x0);

/* Other CPUs. */

/* CPUs that PSCI knows (numbers are MPIDR Aff0), at most PAYLOAD_CPUS. */
extern unsigned cpu_total;

static inline unsigned this_cpu(void)
{
    return (unsigned)sysreg_read(tpidr_el1);
}

/* Starts all others once; each then waits for work with its GIC set up and IRQs unmasked. */
void cpus_start(void);

/* Lets a started CPU call function(argument); cpu_wait waits for its end, false after half a
 * minute. */
void cpu_run(unsigned cpu, void (*function)(uint64_t), uint64_t argument);
bool cpu_wait(unsigned cpu);

/* The CPU was switched off by PSCI: the next cpus_start starts it again. */
void cpu_forget(unsigned cpu);

/* PSCI (DEN 0022) and any other SMCCC call by HVC; all registers in and out. */
struct smccc {
    uint64_t x[18];
};
void hvc_call(struct smccc *call);
int64_t hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

#define PSCI_VERSION       0x84000000
#define PSCI_CPU_SUSPEND   0xc4000001
#define PSCI_CPU_OFF       0x84000002
#define PSCI_CPU_ON        0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004
#define PSCI_MIGRATE_TYPE  0x84000006
#define PSCI_SYSTEM_OFF    0x84000008
#define PSCI_SYSTEM_RESET  0x84000009
#define PSCI_FEATURES      0x8400000a
#define PSCI_NOT_SUPPORTED (-1)
#define PSCI_INVALID       (-2)
#define PSCI_ALREADY_ON    (-4)

/* Where PSCI CPU_ON is to start a CPU of the runtime; context: its number. */
extern char secondary_entry[];
void secondary_main(unsigned cpu);

/* The map: 1 GiB blocks, VA = PA. */

/* Maps the GiB that holds address as Normal memory (else: Device); executable in both cases, so
 * that a fetch reaches stage 2. The image's own GiB stays Normal. */
void mmu_map_gib(uint64_t address, bool normal);

/* Interrupt controller and time: gic.h, timer.h. */

#endif
