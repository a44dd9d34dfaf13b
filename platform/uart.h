/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console UARTs: polled output only. One row per kind, chosen by `compatible` of the node that
 * /chosen/stdout-path names. May include platform.
 */
#ifndef PLATFORM_UART_H
#define PLATFORM_UART_H

#include "platform/types.h"

struct uart_ops {
    const char *compatible;
    uint32_t reg_shift; /* of the node: log2 of the registers' distance; 0: does not matter */
    /* Waits (bounded) for room in the transmitter and writes one character. base: EL2 address. */
    void (*put)(volatile void *base, char c);
};

/* The row for a device-tree node, or NULL. */
const struct uart_ops *uart_find(const void *fdt, int node);

/* The row of that name, for when there is no device tree to ask; or NULL. */
const struct uart_ops *uart_of(const char *compatible);

#endif
