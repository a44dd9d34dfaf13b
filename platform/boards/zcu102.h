/* SPDX-License-Identifier: Apache-2.0 */
/* Xilinx ZCU102 (Zynq UltraScale+), UART 0; see virt.h. make BOARD=zcu102 */
#define EARLY_UART            0xff000000
#define EARLY_UART_DATA       0x30
#define EARLY_UART_COMPATIBLE "cdns,uart-r1p12"
