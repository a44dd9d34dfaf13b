/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a domain that has ended begins anew: what its configuration and its owner say, and how long
 * it waits before. May include config.h, hyper.h.
 */
#ifndef CLI_RESTART_H
#define CLI_RESTART_H

#include <stdbool.h>

#include "guests/dom0/common/config.h"
#include "guests/dom0/common/hyper.h"

#define RESTART_MOST   60 /* seconds of waiting */
#define RESTART_STEADY 30 /* one that lived this long was no failure of starting */

/*
 * What to do with a domain in state shutdown or crashed. asked: its owner wants it to begin anew
 * (tarn reboot).
 */
enum config_action restart_action(const struct config *config, const struct tarn_info *info,
                                  bool asked);

/* Seconds to wait: none or a second at first, twice as much each time that it lived shortly. */
unsigned restart_delay(unsigned last, double lived, bool crashed);

#endif
