/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions taken at EL1: interrupts go to the GIC, expected synchronous ones are recorded, others
 * end the payload with a dump. May call guests/lib.
 */
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"

#define SPSR_EL1H_MASKED 0x3c5

static struct {
    bool armed;
    struct caught caught;
} expected[PAYLOAD_CPUS];

extern char el0_resume[];
void el0_enter(uint64_t pc, uint64_t x0);
void exception_taken(unsigned kind, struct frame *frame);

void expect_begin(void)
{
    unsigned cpu = this_cpu();
    expected[cpu].caught = (struct caught){0};
    __atomic_store_n(&expected[cpu].armed, true, __ATOMIC_SEQ_CST);
}

struct caught expect_end(void)
{
    unsigned cpu = this_cpu();
    dsb(sy); /* a store's asynchronous trouble shows up by now */
    isb();
    __atomic_store_n(&expected[cpu].armed, false, __ATOMIC_SEQ_CST);
    return expected[cpu].caught;
}

__attribute__((noreturn)) static void dump(unsigned kind, const struct frame *frame)
{
    static const char *const kinds[] = {"synchronous", "IRQ", "FIQ", "SError"};
    print("Bail out! CPU %u: unexpected %s exception, vector %u\n", this_cpu(), kinds[kind % 4],
          kind);
    print("# ESR 0x%lx FAR 0x%lx ELR 0x%lx (image at 0x%lx) SPSR 0x%lx\n", frame->esr, frame->far,
          frame->elr, (uint64_t)(uintptr_t)image_start, frame->spsr);
    for (unsigned i = 0; i < 31; i++)
        print("# x%u 0x%lx\n", i, frame->x[i]);
    power_off();
}

/* Where to go on after the exception. */
static void resume(unsigned kind, struct frame *frame)
{
    uint64_t ec = FIELD(frame->esr, 31, 26);
    if (kind >= 8) {
        frame->elr = (uint64_t)(uintptr_t)el0_resume;
        frame->spsr = SPSR_EL1H_MASKED & ~(uint64_t)0x80;
    } else if (ec == EC_IABT_SAME) {
        frame->elr = frame->x[30];
    } else if (ec != EC_SVC64 && ec != EC_HVC64) {
        frame->elr += 4;
    }
}

void exception_taken(unsigned kind, struct frame *frame)
{
    unsigned cpu = this_cpu();
    if (kind % 4 == 1) {
        gic_interrupt();
        return;
    }
    if (kind % 4 != 0 || !expected[cpu].armed)
        dump(kind, frame);
    expected[cpu].caught.count++;
    expected[cpu].caught.esr = frame->esr;
    expected[cpu].caught.far = frame->far;
    expected[cpu].caught.elr = frame->elr;
    resume(kind, frame);
}

struct caught run_at_el0(void (*code)(uint64_t), uint64_t x0)
{
    expect_begin();
    el0_enter((uint64_t)(uintptr_t)code + EL0_VIEW, x0);
    return expect_end();
}
