/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets between a guest and dom0 (virtio-vsock, virtio 1.2, 5.10) by the vhost-vsock of dom0's
 * kernel. May include vhost.h.
 */
#ifndef BACKEND_VSOCK_H
#define BACKEND_VSOCK_H

#include "guests/dom0/backend/device.h"

/*
 * Makes the device `index` for the guest that is addressed by cid. fd: an open /dev/vhost-vsock.
 * One a process. NULL with errno set; EADDRINUSE: another guest has that address.
 */
struct device *vsock_new(unsigned index, int fd, uint32_t cid);

#endif
