/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network card (virtio-net, virtio 1.2, 5.1) on a tap interface. May include device.h, loop.h.
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include "guests/dom0/backend/device.h"

/*
 * Makes network card `index` on an open tap (IFF_TAP, IFF_NO_PI, IFF_VNET_HDR; nonblocking).
 * NULL with errno set.
 */
struct device *net_new(unsigned index, int fd, const uint8_t mac[6]);

/* The same, served by the vhost-net of dom0's kernel: vhost_fd is an open /dev/vhost-net. */
struct device *net_new_vhost(unsigned index, int fd, const uint8_t mac[6], int vhost_fd);

#endif
