/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A last word before there is anything: head.S calls this with the MMU off, on the boot CPU, when
 * Tarn cannot go on at all. The device tree may be what is wrong, so the UART is the one the image
 * was built for (platform/boards). Calls nothing; needs neither stack protector nor data.
 */
#include "platform/mmio.h"
#include "platform/types.h"

void early_puts(const char *text)
{
    volatile void *uart = (volatile void *)(uintptr_t)(EARLY_UART + EARLY_UART_DATA);

    for (; *text; text++)
        mmio_write32(uart, (uint8_t)*text);
}
