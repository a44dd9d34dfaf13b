/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the hypervisor or firmware by HVC, and the other CPUs. May call guests/lib.
 */
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"

#define PATIENCE_US 30000000 /* CPUs of an emulator on a busy host take their time */

unsigned cpu_total = 1;

/* One per CPU: function is written last, cleared when the work is done. */
static struct {
    void (*function)(uint64_t);
    uint64_t argument;
    bool online;
} work[PAYLOAD_CPUS];

void hvc_call(struct smccc *call)
{
    __asm__ volatile("ldp x0, x1, [%0, #0]\n\t"
                     "ldp x2, x3, [%0, #16]\n\t"
                     "ldp x4, x5, [%0, #32]\n\t"
                     "ldp x6, x7, [%0, #48]\n\t"
                     "ldp x8, x9, [%0, #64]\n\t"
                     "ldp x10, x11, [%0, #80]\n\t"
                     "ldp x12, x13, [%0, #96]\n\t"
                     "ldp x14, x15, [%0, #112]\n\t"
                     "ldp x16, x17, [%0, #128]\n\t"
                     "hvc #0\n\t"
                     "stp x0, x1, [%0, #0]\n\t"
                     "stp x2, x3, [%0, #16]\n\t"
                     "stp x4, x5, [%0, #32]\n\t"
                     "stp x6, x7, [%0, #48]\n\t"
                     "stp x8, x9, [%0, #64]\n\t"
                     "stp x10, x11, [%0, #80]\n\t"
                     "stp x12, x13, [%0, #96]\n\t"
                     "stp x14, x15, [%0, #112]\n\t"
                     "stp x16, x17, [%0, #128]\n\t"
                     :
                     : "r"(call)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "memory");
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
        check(WAIT(__atomic_load_n(&work[cpu].online, __ATOMIC_SEQ_CST), PATIENCE_US));
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
    return WAIT(__atomic_load_n(&work[cpu].function, __ATOMIC_ACQUIRE) == NULL, PATIENCE_US);
}

void cpu_forget(unsigned cpu)
{
    work[cpu].online = false;
    work[cpu].function = NULL;
}
