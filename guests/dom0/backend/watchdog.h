/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's watchdog: an SBSA generic watchdog (Arm BSA, DEN 0094, "Generic Watchdog") without
 * its first-stage interrupt, for which Linux has the driver sbsa_gwdt. Both frames are in one page,
 * see common/devices.h, of which EL2 hands on every access. Includes nothing of Tarn.
 */
#ifndef BACKEND_WATCHDOG_H
#define BACKEND_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/* What survives the backend. */
struct watchdog_state {
    uint32_t enabled;
    uint32_t offset; /* WOR, ticks */
};

/*
 * Begins; state is shared memory, frequency the system counter's in Hz. Returns its timer: a
 * descriptor that is readable when it may have run out, or -1.
 */
int watchdog_open(struct watchdog_state *state, uint64_t frequency);

/* An access of the guest to its page. Returns what is read; reserved registers are zero. */
uint64_t watchdog_access(bool write, uint32_t offset, unsigned size, uint64_t value);

/* The guest runs, or does not (paused, not yet started): its time stands still then. */
void watchdog_run(bool runs);

/* To be called when the timer's descriptor is readable, once everything that the guest wrote before
 * is known. True: it has run out. */
bool watchdog_expired(void);

#endif
