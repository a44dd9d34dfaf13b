/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's virt machine: where the last word goes when there is no sound device tree to ask. A board is
 * these three lines; everything else about it comes from its device tree. make BOARD=virt
 */
#define EARLY_UART            0x09000000
#define EARLY_UART_DATA       0x0 /* offset of the register that sends a character */
#define EARLY_UART_COMPATIBLE "arm,pl011"
