/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a backend survives it: plain data in shared memory that the supervisor made (all zero)
 * and hands to each life of the backend. May include device.h, terminal.h, watchdog.h.
 */
#ifndef BACKEND_STATE_H
#define BACKEND_STATE_H

#include <stdint.h>

#include "guests/abi/notify.h"
#include "guests/dom0/backend/device.h"
#include "guests/dom0/backend/terminal.h"
#include "guests/dom0/backend/watchdog.h"

struct backend_state {
    uint64_t lives; /* how many backends have used it */
    uint64_t size;  /* of all this, by who used it first; 0: nobody yet */
    struct device_state device[TARN_MAX_VDEVS];
    struct terminal_state terminal;
    struct watchdog_state watchdog;
};

#endif
