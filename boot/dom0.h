/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds dom0 from the boot modules. Boot CPU, all CPUs up, before the first guest entry.
 */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

/*
 * Creates dom0: its memory and devices 1:1 in stage 2, kernel and initrd in place, its device tree.
 * vCPU 0 is runnable on return. Ends the boot, with a sentence, if something is missing or wrong.
 */
void dom0_build(const void *fdt);

#endif
