/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first two steps of boot: a look at the device tree, and a console to say things on.
 */
#ifndef BOOT_CONSOLE_H
#define BOOT_CONSOLE_H

#include "platform/types.h"

/*
 * Maps and checks the device tree that the bootloader passed in x0. Returns NULL, or a sentence. It
 * stays mapped, read-only, for all of boot.
 */
const char *boot_map_fdt(pa_t fdt_pa, const void **fdt);

/*
 * Starts the console of console= or else of /chosen/stdout-path. fdt NULL: the device tree is what
 * is broken, so the UART the image was built for (platform/boards) must do.
 */
void boot_console(const void *fdt);

#endif
