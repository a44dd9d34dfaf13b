/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that another process serves by vhost-user (qemu-storage-daemon: qcow2 and whatever else it
 * opens). May include device.h, vhost_user.h, loop.h.
 */
#ifndef BACKEND_PROXY_H
#define BACKEND_PROXY_H

#include "guests/dom0/backend/device.h"

/*
 * Makes disk `index` on a connection. memory_fd: a descriptor that maps the guest's RAM and nothing
 * else can be done with; the other process gets it. queues, serial: as block_new. NULL with errno
 * set.
 */
struct device *proxy_new(unsigned index, int fd, int memory_fd, const struct guest_memory *memory,
                         bool readonly, unsigned queues, const char *serial);

#endif
