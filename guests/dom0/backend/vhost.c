/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting up a vhost device by its ioctls.
 */
#include "guests/dom0/backend/vhost.h"

#include <errno.h>
#include <linux/vhost.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

static void gave_up(struct loop_source *source, uint32_t events)
{
    struct vhost *vhost = (struct vhost *)((uint8_t *)source - offsetof(struct vhost, error));
    eventfd_t count;

    (void)events;
    eventfd_read(source->fd, &count);
    if (vhost->device->running)
        device_fail(vhost->device, "vhost gave up a ring that breaks the rules");
}

bool vhost_open(struct vhost *vhost, int fd, unsigned first, unsigned queues, struct device *device)
{
    *vhost = (struct vhost){.fd = fd, .first = first, .queues = queues, .device = device};
    vhost->error = (struct loop_source){.events = EPOLLIN, .ready = gave_up};
    vhost->error.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return vhost->error.fd >= 0 && loop_add(&vhost->error) &&
           ioctl(fd, VHOST_GET_FEATURES, &vhost->features) == 0;
}

/* Its owner is this process; its memory table, the one window that this process has. */
static bool make_ready(struct vhost *vhost, const struct guest_memory *memory)
{
    struct {
        struct vhost_memory head;
        struct vhost_memory_region region;
    } table = {
        .head.nregions = 1,
        .region = {.guest_phys_addr = memory->ipa,
                   .memory_size = memory->size,
                   .userspace_addr = (uintptr_t)memory->base},
    };

    vhost->ready = vhost->ready || (ioctl(vhost->fd, VHOST_SET_OWNER) == 0 &&
                                    ioctl(vhost->fd, VHOST_SET_MEM_TABLE, &table) == 0);
    return vhost->ready;
}

static bool set_queue(struct vhost *vhost, unsigned index)
{
    struct device *device = vhost->device;
    struct virtqueue *vq = &device->vq[vhost->first + index];
    struct vhost_vring_state size = {.index = index, .num = vq->state->size};
    struct vhost_vring_state base = {.index = index, .num = vq->state->outside ? vq->used[1] : 0};
    struct vhost_vring_addr address = {.index = index,
                                       .desc_user_addr = (uintptr_t)vq->desc,
                                       .avail_user_addr = (uintptr_t)vq->avail,
                                       .used_user_addr = (uintptr_t)vq->used};
    struct vhost_vring_file kick = {.index = index, .fd = device->kick_fd[vhost->first + index]};
    struct vhost_vring_file call = {.index = index, .fd = device->irq_fd};
    struct vhost_vring_file error = {.index = index, .fd = vhost->error.fd};

    vq->state->outside = 1;
    return ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) == 0 &&
           ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) == 0 &&
           ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &address) == 0 &&
           ioctl(vhost->fd, VHOST_SET_VRING_KICK, &kick) == 0 &&
           ioctl(vhost->fd, VHOST_SET_VRING_CALL, &call) == 0 &&
           ioctl(vhost->fd, VHOST_SET_VRING_ERR, &error) == 0;
}

bool vhost_prepare(struct vhost *vhost)
{
    struct device *device = vhost->device;
    uint64_t features = device->state->driver_features & vhost->features;
    bool good = make_ready(vhost, device->vq[0].memory) &&
                ioctl(vhost->fd, VHOST_SET_FEATURES, &features) == 0;

    for (unsigned i = 0; good && i < vhost->queues; i++)
        good = !device->state->queue[vhost->first + i].ready || set_queue(vhost, i);
    if (good)
        eventfd_write(device->irq_fd, 1); /* for what a former one may not have told */
    else
        device_fail(device, "vhost refuses the driver's rings");
    return good;
}
