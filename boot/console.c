/* SPDX-License-Identifier: Apache-2.0 */
/* Device tree and console, first thing at boot; see boot.h. May call boot/bootargs, mm,
 * platform. */
#include "boot/boot.h"

#include "boot/bootargs.h"
#include "mm/el2_map.h"
#include "platform/fdt.h"
#include "platform/log.h"
#include "platform/uart.h"

#define FDT_SLOT 0
#define FDT_MOST (2 * MIB) /* as Linux's boot protocol limits it */

const char *boot_map_fdt(pa_t fdt_pa, const void **fdt)
{
    const char *error;

    *fdt = NULL;
    if (fdt_pa.v == 0 || fdt_pa.v % 8 != 0 || fdt_pa.v >= BIT(48) - FDT_MOST)
        return dt_check(NULL, 0);
    const void *mapped = el2_map_boot(FDT_SLOT, fdt_pa, FDT_MOST, false);
    error = dt_check(mapped, FDT_MOST);
    if (!error)
        *fdt = mapped;
    return error;
}

void boot_console(const void *fdt)
{
    struct pa_range registers = {EARLY_UART, PAGE_SIZE};
    const struct uart_ops *ops = uart_of(EARLY_UART_COMPATIBLE);
    const char *path = bootargs.console[0] ? bootargs.console : NULL;
    bool found = fdt && console_find(fdt, path, &registers, &ops);

    if (fdt && !found && path) {
        log_warn("console=%s names no UART Tarn knows; looking at /chosen/stdout-path", path);
        found = console_find(fdt, NULL, &registers, &ops);
    }
    if (fdt && !found)
        log_warn("/chosen/stdout-path names no UART Tarn knows; writing to the one at %x",
                 EARLY_UART);
    console_start(ops, el2_map_device(pa(registers.base), registers.size));
}
