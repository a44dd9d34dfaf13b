/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of a vCPU. The virtual timer (CNTV, PPI 27) is the guest's own while it runs; saved
 * when it is switched out, and then only its deadline matters. The physical timer (CNTP, PPI 30) is
 * emulated: its registers trap. Pure state: the caller arms deadlines and sets interrupt lines.
 * May include platform and timer/timer.h.
 */
#ifndef TIMER_VTIMER_H
#define TIMER_VTIMER_H

#include "timer/timer.h"

/* CNTV_CTL_EL0, CNTP_CTL_EL0 */
#define CNT_CTL_ENABLE  1ul
#define CNT_CTL_IMASK   2ul
#define CNT_CTL_ISTATUS 4ul

struct vtimer {
    uint64_t cntv_cval, cntv_ctl; /* saved while not loaded, ISTATUS as it was then */
    uint64_t cntp_cval, cntp_ctl; /* emulated; ISTATUS is computed */
    uint64_t offset; /* CNTVOFF_EL2, the same for all vCPUs of a domain; not after the present */
};

/* Both timers disabled. */
void vtimer_init(struct vtimer *timer, uint64_t offset);

/* vCPU switch: saves and disables CNTV; loads it with CNTVOFF. Calling CPU's registers.
 */
void vtimer_save(struct vtimer *timer);
void vtimer_load(const struct vtimer *timer);

/*
 * When (in ticks of the physical counter) the saved virtual timer asserts its interrupt: 0 if it
 * did when it was saved, a time in the past if it has since, TIMER_NEVER if disabled or masked.
 */
uint64_t vtimer_virtual_deadline(const struct vtimer *timer);

/*
 * When the emulated physical timer asserts its interrupt (its count is CNTPCT, offset 0): a time in
 * the past if it does already, TIMER_NEVER if disabled or masked.
 */
uint64_t vtimer_physical_deadline(const struct vtimer *timer);

/* Emulated CNTP_CTL_EL0 and CNTP_TVAL_EL0 (Arm ARM D11.2.4). now = CNTPCT. */
uint64_t vtimer_read_ctl(const struct vtimer *timer, uint64_t now);
uint64_t vtimer_read_tval(const struct vtimer *timer, uint64_t now);
void vtimer_write_ctl(struct vtimer *timer, uint64_t value);
void vtimer_write_tval(struct vtimer *timer, uint64_t now, uint64_t value);

/* Level of the emulated physical timer's interrupt line at `now`. */
bool vtimer_physical_line(const struct vtimer *timer, uint64_t now);

#endif
