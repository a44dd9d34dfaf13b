/* SPDX-License-Identifier: Apache-2.0 */
/* The bench's clock (clock.S), and how often a pair of domains is measured. Needs uint64_t. */
#ifndef MICRO_CLOCK_H
#define MICRO_CLOCK_H

/* Nanoseconds, nearly to an instruction. */
uint64_t begin_time(void);
uint64_t end_time(void);

#define ROUNDS 33

#endif
