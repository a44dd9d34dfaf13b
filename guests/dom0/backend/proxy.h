/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that another process serves by vhost-user: disks (qemu-storage-daemon: qcow2 and whatever
 * else it opens) and shared folders (virtiofsd). May include device.h, vhost_user.h, loop.h.
 */
#ifndef BACKEND_PROXY_H
#define BACKEND_PROXY_H

#include "guests/dom0/backend/device.h"

/*
 * Makes disk `index` on a connection. memory_fd: a descriptor that maps the guest's RAM and nothing
 * else can be done with; the other process gets it. queues, serial: as block_new. NULL with errno
 * set.
 */
struct device *proxy_new_disk(unsigned index, int fd, int memory_fd,
                              const struct guest_memory *memory, bool readonly, unsigned queues,
                              const char *serial);

/* The same for a shared folder, which the guest mounts by its tag (1 to 36 bytes). */
struct device *proxy_new_share(unsigned index, int fd, int memory_fd,
                               const struct guest_memory *memory, const char *tag);

#endif
