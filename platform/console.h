/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Tarn's log goes: the UART of /chosen/stdout-path. Until it is known, lines are kept in the
 * log's ring and printed when it is. May include platform/uart.h.
 */
#ifndef PLATFORM_CONSOLE_H
#define PLATFORM_CONSOLE_H

#include "platform/uart.h"

/*
 * Finds a console in the device tree: its registers and row. path: of its node, or an alias, and
 * options behind a colon; NULL for /chosen/stdout-path. Returns false, and leaves registers and ops
 * alone, if that names none that is known.
 */
bool console_find(const void *fdt, const char *path, struct pa_range *registers,
                  const struct uart_ops **ops);

/* Output goes to this UART from now on. base: EL2 address of its registers. */
void console_start(const struct uart_ops *ops, volatile void *base);

/* Writes text, no lock taken: for panic. "\n" becomes "\r\n". */
void console_write(const char *text);

#endif
