/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk (virtio-blk, virtio 1.2, 5.2) on a file or block device. May include device.h, aio.h.
 */
#ifndef BACKEND_BLOCK_H
#define BACKEND_BLOCK_H

#include "guests/dom0/backend/device.h"

/*
 * Makes disk `index` on an open file, whose length is the disk's, in whole sectors of 512 bytes.
 * queues: 1 to DEVICE_MAX_QUEUES. serial: up to 20 bytes, what the guest finds as the disk's serial
 * number. NULL with errno set.
 */
struct device *block_new(unsigned index, int fd, bool readonly, unsigned queues,
                         const char *serial);

/*
 * What the disk is on changes to another open file, which is taken over, of so many sectors; 0: no
 * disk. Returns false if the device is no disk of ours. errno: why not.
 */
bool block_change(struct device *device, int fd, uint64_t sectors);

/* For tests: after a reset. */
void block_free(struct device *device);

#endif
