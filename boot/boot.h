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
extern struct pa_range boot_tree; /* the machine's device tree, needed until dom0 is entered */

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

/* dom0.c. Reads a kernel's arm64 Image header. Returns NULL, or what is wrong with it. */
struct image_info {
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t size;        /* in memory, BSS included */
};
const char *image_check(uint64_t base, uint64_t size, struct image_info *info);

/* dom0.c. Copies physical memory; the copy is cleaned to memory. May overlap downward. */
void boot_copy(uint64_t to, uint64_t from, uint64_t size);

/*
 * domu.c. Makes and starts the other domains of boot/modules.h: memory of the pool, kernel, initrd
 * and device tree in place. One that is wrong is passed over, with a line that says why.
 */
void domus_build(void);

/* smp.c. Lets all CPUs enter the scheduler, the caller too. dom0 is ready. */
__attribute__((noreturn)) void smp_go(void);

#endif
