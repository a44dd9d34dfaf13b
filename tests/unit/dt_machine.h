/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees for tests, from files: those that the build made from tests/unit/dts or had QEMU
 * write, and those of real boards in Debian's kernel package.
 */
#ifndef DT_MACHINE_H
#define DT_MACHINE_H

#include <stddef.h>

/* A tree of build/unit/dtb by name, in memory of its exact size; free() it. */
void *dt_machine(const char *name);

/* A tree of the kernel package ("xilinx/zynqmp-zcu102-rev1.0"), or NULL if it is not unpacked. */
void *dt_board(const char *name);

/* A copy with room for edits (and of exactly that size), NUL-filled. */
void *dt_with_room(const void *fdt, size_t size);

#endif
