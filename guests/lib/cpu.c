/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the hypervisor or firmware by HVC, and the other CPUs. May call guests/lib.
 */
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"

unsigned cpu_total = 1;

/* One per CPU: function is written last, cleared when the work is done. */
static struct {
    void (*function)(uint64_t);
    uint64_t argument;
    bool online;
} work[PAYLOAD_CPUS];

void hvc_call(struct smccc *call)
{
    register uint64_t x0 __asm__("x0") = call->x[0];
    register uint64_t x1 __asm__("x1") = call->x[1];
    register uint64_t x2 __asm__("x2") = call->x[2];
    register uint64_t x3 __asm__("x3") = call->x[3];
    register uint64_t x4 __asm__("x4") = call->x[4];
    register uint64_t x5 __asm__("x5") = call->x[5];
    register uint64_t x6 __asm__("x6") = call->x[6];
    register uint64_t x7 __asm__("x7") = call->x[7];
    register uint64_t x8 __asm__("x8") = call->x[8];
    register uint64_t x9 __asm__("x9") = call->x[9];
    register uint64_t x10 __asm__("x10") = call->x[10];
    __asm__ volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                       "+r"(x7), "+r"(x8), "+r"(x9), "+r"(x10)
                     :
                     : "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    *call = (struct smccc){{x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10}};
}

int64_t hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct smccc call = {.x = {function, a1, a2, a3}};
    hvc_call(&call);
    /* 32-bit calls answer in w0 */
    return function & BIT(30) ? (int64_t)call.x[0] : (int32_t)call.x[0];
}

void secondary_main(unsigned cpu)
{
    gic_init_cpu();
    irq_enable();
    __atomic_store_n(&work[cpu].online, true, __ATOMIC_SEQ_CST);
    for (;;) {
        void (*function)(uint64_t) = __atomic_load_n(&work[cpu].function, __ATOMIC_ACQUIRE);
        if (function == NULL) {
            wfe();
            continue;
        }
        function(work[cpu].argument);
        __atomic_store_n(&work[cpu].function, NULL, __ATOMIC_RELEASE);
        sev();
    }
}

void cpus_start(void)
{
    for (unsigned cpu = 1; cpu < cpu_total; cpu++) {
        if (work[cpu].online)
            continue;
        check_equal(hvc(PSCI_CPU_ON, cpu, (uint64_t)(uintptr_t)secondary_entry, cpu), 0);
        check(WAIT(__atomic_load_n(&work[cpu].online, __ATOMIC_SEQ_CST), 1000000));
    }
}

void cpu_run(unsigned cpu, void (*function)(uint64_t), uint64_t argument)
{
    work[cpu].argument = argument;
    __atomic_store_n(&work[cpu].function, function, __ATOMIC_RELEASE);
    sev();
}

bool cpu_wait(unsigned cpu)
{
    return WAIT(__atomic_load_n(&work[cpu].function, __ATOMIC_ACQUIRE) == NULL, 1000000);
}

void cpu_forget(unsigned cpu)
{
    work[cpu].online = false;
    work[cpu].function = NULL;
}
