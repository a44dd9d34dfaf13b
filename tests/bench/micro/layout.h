/* SPDX-License-Identifier: Apache-2.0 */
/* Constants that start.S shares with C. Includes nothing. */
#ifndef MICRO_LAYOUT_H
#define MICRO_LAYOUT_H

#define TICK_SHIFT   4 /* QEMU's counter: 62.5 MHz, 16 ns a tick, 16 instructions under icount */
#define FINE_LOOP    4 /* instructions of end_time's loop */
#define VTIMER_INTID 27

#endif
