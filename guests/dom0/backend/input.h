/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input device (virtio 1.2, 5.8) with one key: the power button of `tarn shutdown`.
 * May include device.h.
 */
#ifndef BACKEND_INPUT_H
#define BACKEND_INPUT_H

#include "guests/dom0/backend/device.h"

/* Makes the power button, device `index`. One a process. */
struct device *input_new(unsigned index);

/* Presses and releases it. Returns false if nobody in the guest listens. */
bool input_press_power(void);

#endif
