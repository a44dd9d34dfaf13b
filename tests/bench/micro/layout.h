/* SPDX-License-Identifier: Apache-2.0 */
/* Constants that start.S shares with C. Includes nothing. */
#ifndef MICRO_LAYOUT_H
#define MICRO_LAYOUT_H

#define TICK_SHIFT   4 /* QEMU's counter: 62.5 MHz, 16 ns a tick, 16 instructions under icount */
#define FINE_LOOP    4 /* instructions of end_time's loop */
#define VTIMER_INTID 27
#define GAP_TICKS    5  /* more than the payload's own code ever takes between two looks */
#define GAP_OWN      10 /* instructions of next_gap before end_time is called */

#endif
