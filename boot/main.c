/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot order of Tarn, one step a line. head.S calls main() on the boot CPU with the MMU on; it
 * ends in the scheduler. May call everything.
 */
#include "boot/boot.h"
#include "boot/bootargs.h"
#include "boot/stop.h"
#include "core/sched.h"
#include "core/trap.h"
#include "gic/gic.h"
#include "mm/el2_map.h"
#include "mm/stage2.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/panic.h"
#include "platform/smc.h"
#include "timer/timer.h"

extern const char tarn_version[];
extern uintptr_t __stack_chk_guard;

__attribute__((noreturn)) void main(uint64_t fdt_pa)
{
    const void *fdt;

    el2_map_init();
    const char *fdt_error = boot_map_fdt(pa(fdt_pa), &fdt);
    bootargs_parse(fdt);
    boot_console(fdt);
    boot_check(fdt_error);
    __stack_chk_guard ^= dt_seed(fdt); /* main does not return, so no frame misses the old one */
    log_info("%s", tarn_version);
    boot_check(smc_init(fdt));
    boot_memory(fdt, pa(fdt_pa));
    timer_init();
    boot_check(gic_probe(fdt));
    stage2_init();
    context_init();
    idreg_init();
    sched_init();
    smp_boot_cpu();
    smp_start_secondaries(fdt);
    dom0_build(fdt);
    domus_build();
    if (bootargs.panic_test)
        panic("panic_test=1 was given");
    smp_go();
}
