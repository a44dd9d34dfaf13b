/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU start: PSCI CPU_ON with head.S's secondary entry, one CPU after the other.
 * May call core, gic, mm, timer, platform.
 */
#include "boot/boot.h"

#include "core/sched.h"
#include "core/switch.h"
#include "core/trap.h"
#include "gic/gic.h"
#include "mm/el2_map.h"
#include "mm/stage2.h"
#include "platform/cpu.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/panic.h"
#include "platform/smc.h"
#include "platform/sysreg.h"
#include "timer/timer.h"

#define START_TIMEOUT_NS 1000000000ul

extern char secondary_entry[];

unsigned cpu_count = 1;
uint64_t cpu_mpidr[MAX_CPUS];

/* Upper ends; read by head.S with the MMU already on. */
void *stack_top[MAX_CPUS];

static unsigned ready; /* CPUs that have finished init_cpu */
static bool go;

static void init_cpu(void)
{
    switch_init_cpu();
    stage2_init_cpu();
    timer_init_cpu();
    gic_init_cpu();
    irq_init_cpu();
}

/* A CPU panics: the others stop where they next take an interrupt. */
static void stop_others(void)
{
    for (unsigned i = 0; i < cpu_count; i++)
        if (i != cpu_id())
            gic_ops.send_sgi(i, SGI_PANIC);
}

void smp_boot_cpu(void)
{
    cpu_mpidr[0] = sysreg_read(mpidr_el1) & 0xff00fffffful;
    stack_top[0] = el2_map_stack(0);
    init_cpu();
    ready = 1;
    panic_stop_others = stop_others;
}

static bool wait_ready(unsigned count)
{
    uint64_t end = timer_now() + timer_ns_to_ticks(START_TIMEOUT_NS);

    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < count)
        if (timer_now() > end)
            return false;
    return true;
}

/* Returns NULL, or why the CPU did not come. */
static const char *start(unsigned cpu)
{
    stack_top[cpu] = el2_map_stack(cpu);
    if (!stack_top[cpu])
        return "no memory for its stack";
    int64_t status = smc_psci_cpu_on(cpu_mpidr[cpu], el2_image_pa(secondary_entry).v, cpu);
    if (status != 0)
        return "the firmware refused CPU_ON";
    return wait_ready(cpu + 1) ? NULL : "it did not answer within a second";
}

void smp_start_secondaries(const void *fdt)
{
    uint64_t found[MAX_CPUS];
    unsigned count = dt_cpus(fdt, found, MAX_CPUS);

    for (unsigned i = 0; i < count; i++) {
        if (found[i] == cpu_mpidr[0])
            continue;
        cpu_mpidr[cpu_count] = found[i];
        const char *error = start(cpu_count);
        if (error)
            log_warn("CPU with MPIDR %lx is left out: %s", found[i], error);
        else
            cpu_count++;
    }
    el2_unmap_identity();
    log_info("%u CPU%s", cpu_count, cpu_count == 1 ? "" : "s");
}

/* Entry of a secondary from head.S, on its own stack. */
__attribute__((noreturn)) void secondary_main(unsigned cpu)
{
    init_cpu();
    __atomic_store_n(&ready, cpu + 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        wfe();
    sched_start((uint64_t)stack_top[cpu]);
}

void smp_go(void)
{
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    sev();
    sched_start((uint64_t)stack_top[0]);
}
