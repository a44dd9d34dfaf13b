/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of boot, in the order in which main.c takes them. Boot CPU only, once each. A step that
 * finds something missing or wrong ends the boot with a sentence (boot/stop.h). May include
 * boot/ranges.h, platform.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "boot/ranges.h"
#include "platform/types.h"

/*
 * console.c. Maps and checks the device tree that the bootloader passed in x0. Returns NULL, or a
 * sentence. It stays mapped, read-only, for all of boot.
 */
const char *boot_map_fdt(pa_t fdt_pa, const void **fdt);

/*
 * console.c. Starts the console of console= or else of /chosen/stdout-path. fdt NULL: the device
 * tree is what is broken, so the UART the image was built for (platform/boards) must do.
 */
void boot_console(const void *fdt);

/*
 * memory.c. Who gets which RAM: reads what there is and what is reserved from the device tree, then
 * places the heap, dom0's RAM and, from what is left, the domain pool.
 */
void boot_memory(const void *fdt, pa_t fdt_pa);
extern struct ranges dom0_ram, pool_ram;

/* smp.c. What each CPU does for itself once its MMU is on; here for the boot CPU. */
void smp_boot_cpu(void);

/*
 * smp.c. Starts the other CPUs of the device tree by PSCI CPU_ON and waits until they are ready. A
 * CPU that does not come is left out with a warning.
 */
void smp_start_secondaries(const void *fdt);

/*
 * dom0.c. Creates dom0 from the boot modules: its memory and devices 1:1 in stage 2, kernel and
 * initrd in place, its device tree. vCPU 0 is runnable on return.
 */
void dom0_build(const void *fdt);

/* smp.c. Lets all CPUs enter the scheduler, the caller too. dom0 is ready. */
__attribute__((noreturn)) void smp_go(void);

#endif
