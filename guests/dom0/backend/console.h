/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console (virtio 1.2, 5.3), one port without features, tied to the terminal.
 * May include device.h, terminal.h.
 */
#ifndef BACKEND_CONSOLE_H
#define BACKEND_CONSOLE_H

#include "guests/dom0/backend/device.h"

/* Makes the console device `index`. One a process. */
struct device *console_new(unsigned index);

/* True while somebody in the guest has written to it since its last reset. */
bool console_in_use(void);

/* Gives typed bytes to the guest. Returns how many it had room for. */
size_t console_input(const uint8_t *data, size_t size);

#endif
