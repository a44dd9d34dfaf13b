/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network card (virtio-net, virtio 1.2, 5.1) on a tap interface. May include device.h, loop.h.
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include "guests/dom0/backend/device.h"

#define NET_MAX_PAIRS 4 /* of queues */

/*
 * Makes network card `index` on an open tap (IFF_TAP, IFF_NO_PI, IFF_VNET_HDR; nonblocking).
 * NULL with errno set.
 */
struct device *net_new(unsigned index, int fd, const uint8_t mac[6]);

/*
 * The same, served by the vhost-net of dom0's kernel, with 1 to NET_MAX_PAIRS pairs of queues, for
 * each of which there is a descriptor of the tap (IFF_MULTI_QUEUE for more than one) and an open
 * /dev/vhost-net. Pairs that the driver does not use are detached from the tap.
 */
struct device *net_new_vhost(unsigned index, unsigned pairs, const int tap[], const int vhost[],
                             const uint8_t mac[6]);

/* Shared by the two: features and configuration space; what the driver can take, for the tap. */
bool net_init(struct device *device, int tap, const uint8_t mac[6]);
void net_set_offloads(struct device *device, int tap);

#endif
