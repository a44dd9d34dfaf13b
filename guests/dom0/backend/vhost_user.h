/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front end of a vhost-user connection (QEMU's docs/interop/vhost-user.rst): the few messages
 * that set up a device in another process. Includes nothing of Tarn.
 */
#ifndef BACKEND_VHOST_USER_H
#define BACKEND_VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that both sides map: its address for descriptors, ours for rings. */
struct vhost_user_region {
    uint64_t address, size;
    const void *ours;
    int fd; /* mapped from its beginning on */
};

/* One ring, in a region: descriptors, available and used part as in virtio 1.2, 2.7. */
struct vhost_user_ring {
    unsigned index, size;
    const void *desc, *avail, *used;
    int kick_fd, call_fd;
};

/*
 * Each sends and, where there is one, waits for the answer. False with errno set: the connection is
 * of no use any more.
 *
 * vhost_user_open: *features is what both sides are to use: in, what we can; out, what it can too.
 * Then the device's configuration is read, `size` bytes up to 256; 0: it has none to read.
 */
bool vhost_user_open(int fd, uint64_t *features, void *config, size_t size);
bool vhost_user_set_memory(int fd, const struct vhost_user_region *region, unsigned count);
bool vhost_user_start_ring(int fd, const struct vhost_user_ring *ring);

#endif
