/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named serial ports (virtio-console with VIRTIO_CONSOLE_F_MULTIPORT, virtio 1.2, 5.3): each is
 * /dev/virtio-ports/NAME in the guest and a socket in dom0. May include device.h, loop.h.
 */
#ifndef BACKEND_PORTS_H
#define BACKEND_PORTS_H

#include "guests/dom0/backend/device.h"

#define PORTS_MAX  4
#define PORTS_NAME 37 /* bytes, NUL included */

/*
 * A port's name and the socket to listen on, nonblocking. A port to another domain may have a
 * connection to that one's as its first client; should both have called each other at the same
 * time, the call of the one that `wins` counts.
 */
struct port_option {
    int fd;
    int peer; /* or -1 */
    bool wins;
    char name[PORTS_NAME];
};

/* Makes the device `index` with 1 to PORTS_MAX ports. One a process. NULL with errno set. */
struct device *ports_new(unsigned index, const struct port_option *port, unsigned count);

#endif
