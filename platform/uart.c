/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 (Arm DDI 0183), 16550 with 32-bit registers, Cadence UART of Zynq. The firmware or
 * bootloader has set the line up. May call platform, libfdt.
 */
#include "platform/uart.h"

#include <libfdt.h>

#include "platform/fdt.h"
#include "platform/mmio.h"
#include "platform/string.h"

#define CADENCE_TX_ENABLE (1u << 4) /* Control_reg0: transmitter enabled */
#define CADENCE_TX_MASK   (3u << 4) /* and not disabled */

#define PATIENCE 100000 /* polls before a character is given up: a dead UART must not hang EL2 */

static void wait(volatile void *status, uint32_t bit, bool set)
{
    for (unsigned i = 0; i < PATIENCE && !(mmio_read32(status) & bit) == set; i++)
        ;
}

static volatile void *reg(volatile void *base, unsigned offset)
{
    return (volatile char *)base + offset;
}

static void pl011_put(volatile void *base, char c)
{
    wait(reg(base, 0x18), 1u << 5, false); /* UARTFR.TXFF */
    mmio_write32(base, (uint8_t)c);
}

static void ns16550_put(volatile void *base, char c)
{
    wait(reg(base, 0x14), 1u << 5, true); /* LSR.THRE, registers 4 bytes apart */
    mmio_write32(base, (uint8_t)c);
}

/* dom0 may have switched the transmitter off; emulators without firmware begin with it off. */
static void cadence_put(volatile void *base, char c)
{
    uint32_t control = mmio_read32(base);

    if ((control & CADENCE_TX_MASK) != CADENCE_TX_ENABLE)
        mmio_write32(base, (control & ~CADENCE_TX_MASK) | CADENCE_TX_ENABLE);
    wait(reg(base, 0x2c), 1u << 4, false); /* Channel_sts: TX FIFO full */
    mmio_write32(reg(base, 0x30), (uint8_t)c);
}

static const struct uart_ops rows[] = {
    {"arm,pl011", 0, pl011_put},          {"brcm,bcm2835-aux-uart", 0, ns16550_put},
    {"snps,dw-apb-uart", 2, ns16550_put}, {"ns16550a", 2, ns16550_put},
    {"cdns,uart-r1p12", 0, cadence_put},  {"xlnx,xuartps", 0, cadence_put},
};

const struct uart_ops *uart_find(const void *fdt, int node)
{
    uint64_t have = dt_cells(fdt, node, "reg-shift", 0);

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (fdt_node_check_compatible(fdt, node, rows[i].compatible) == 0 &&
            (rows[i].reg_shift == 0 || rows[i].reg_shift == have))
            return &rows[i];
    return NULL;
}

const struct uart_ops *uart_of(const char *compatible)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].compatible, compatible) == 0)
            return &rows[i];
    return NULL;
}
