/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues served by a vhost device of dom0's kernel (net, vsock): the kernel reads the rings in this
 * process's mapping of the guest, is kicked by the driver's ioeventfd and calls the driver's irqfd,
 * so no request passes through here. May include device.h, loop.h.
 *
 * A ring's progress is in the ring: vhost returns buffers in the order it takes them, and has
 * returned all it took when its file is closed. So whoever comes next goes on at the used index.
 */
#ifndef BACKEND_VHOST_H
#define BACKEND_VHOST_H

#include "guests/dom0/backend/device.h"
#include "guests/dom0/backend/loop.h"

struct vhost {
    int fd;                 /* /dev/vhost-net or another */
    uint64_t features;      /* that it offers */
    unsigned first, queues; /* of the device: those that are vhost's */
    struct device *device;
    struct loop_source error; /* the kernel gave up a ring */
    bool ready;               /* knows its owner and the guest's memory */
};

/* Takes fd over for some queues of a device. Returns false with errno set. */
bool vhost_open(struct vhost *vhost, int fd, unsigned first, unsigned queues,
                struct device *device);

/*
 * Tells it the features and rings that the driver chose. On failure the device fails and false is
 * returned. The caller then starts it, in the way of its kind.
 */
bool vhost_prepare(struct vhost *vhost);

#endif
