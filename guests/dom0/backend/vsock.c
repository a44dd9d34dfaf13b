/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel serves receive and transmit queue. It forgets all connections when the backend that
 * set it up is gone, so the next one tells the guest that they are reset (virtio 1.2, 5.10.6.7).
 */
#include "guests/dom0/backend/vsock.h"

#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <sys/ioctl.h>

#include "guests/dom0/backend/vhost.h"

#define EVENTS 2 /* the queue after the kernel's two */

static struct {
    struct device device; /* first: a device is this object */
    struct vhost vhost;
    struct vq_chain chain;
    bool tell_reset;
} vsock;

static void set_running(int running)
{
    if (ioctl(vsock.vhost.fd, VHOST_VSOCK_SET_RUNNING, &running) != 0 && running)
        device_fail(&vsock.device, "vhost-vsock does not start");
}

static void start(struct device *device)
{
    vsock.tell_reset = device->state->queue[0].outside;
    if (vhost_prepare(&vsock.vhost))
        set_running(1);
}

/* The driver keeps buffers in the event queue; the first of them has waited for this. */
static void notify(struct device *device, unsigned queue)
{
    static const struct virtio_vsock_event event = {.id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET};
    struct virtqueue *vq = &device->vq[queue];
    struct vq_chain *chain = &vsock.chain;

    if (!vsock.tell_reset || vq_pop(vq, chain) != VQ_GOT)
        return;
    size_t size =
        iov_write(chain->segment + chain->readable, chain->writable, 0, &event, sizeof(event));
    vsock.tell_reset = false;
    vq_push(vq, chain->head, (uint32_t)size);
    device_signal(device, queue);
}

static void reset(struct device *device)
{
    (void)device;
    set_running(0);
}

static const struct device_ops ops = {
    .name = "vsock",
    .id = VIRTIO_ID_VSOCK,
    .queues = EVENTS + 1,
    .start = start,
    .notify = notify,
    .reset = reset,
};

struct device *vsock_new(unsigned index, int fd, uint32_t cid)
{
    struct virtio_vsock_config *config = (struct virtio_vsock_config *)vsock.device.config;
    uint64_t address = cid;

    vsock.device = (struct device){.ops = &ops, .index = index};
    config->guest_cid = cid; /* both are little endian */
    if (!vhost_open(&vsock.vhost, fd, 0, EVENTS, &vsock.device) ||
        ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &address) != 0)
        return NULL;
    vsock.device.outside = EVENTS;
    vsock.device.features = vsock.vhost.features & 1ull << VIRTIO_VSOCK_F_SEQPACKET;
    return &vsock.device;
}
