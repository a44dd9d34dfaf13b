/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network cards whose tap and rings are the kernel's, vhost-net's: a vhost for each pair of queues.
 * The control queue of a card with several is served here; it says how many are in use (virtio 1.2,
 * 5.1.6.5.6), which is kept in the device's state, one less: 0 after a reset.
 */
#include "guests/dom0/backend/net.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "guests/dom0/backend/vhost.h"

struct pair {
    int tap;
    bool attached; /* to the tap */
    struct vhost vhost;
};

struct net_vhost {
    struct device device; /* first: a device is its network card */
    unsigned pairs;
    struct pair pair[NET_MAX_PAIRS];
    struct vq_chain chain;
};

/* Gives the rings of a pair the tap, or takes it away (-1). */
static void set_backend(struct net_vhost *net, struct pair *pair, int tap)
{
    for (unsigned i = 0; i < 2; i++) {
        struct vhost_vring_file backend = {.index = i, .fd = tap};
        if (tap >= 0 && !net->device.state->queue[pair->vhost.first + i].ready)
            continue;
        if (ioctl(pair->vhost.fd, VHOST_NET_SET_BACKEND, &backend) != 0 && tap >= 0)
            device_fail(&net->device, "vhost-net refuses the tap");
    }
}

/* Packets go to queues that are attached alone. */
static void attach(struct net_vhost *net, struct pair *pair, bool attached)
{
    struct ifreq request = {.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};

    if (net->pairs > 1 && pair->attached != attached &&
        ioctl(pair->tap, TUNSETQUEUE, &request) != 0)
        device_fail(&net->device, "the tap refuses a queue");
    pair->attached = attached;
}

/* The first pairs are in use, `in_use` of them. */
static void set_pairs(struct net_vhost *net, unsigned in_use)
{
    for (unsigned i = 0; i < net->pairs; i++) {
        struct pair *pair = &net->pair[i];
        if (i >= in_use)
            set_backend(net, pair, -1);
        attach(net, pair, i < in_use);
        if (i < in_use && vhost_prepare(&pair->vhost))
            set_backend(net, pair, pair->tap);
    }
}

static void start(struct device *device)
{
    struct net_vhost *net = (struct net_vhost *)device;

    if (device_has(device, VIRTIO_NET_F_CTRL_VQ) && !device_has(device, VIRTIO_NET_F_MQ)) {
        device_fail(device, "the driver wants a control queue for one pair of queues alone");
        return;
    }
    net_set_offloads(device, net->pair[0].tap);
    set_pairs(net, device->state->own + 1);
}

static void reset(struct device *device)
{
    struct net_vhost *net = (struct net_vhost *)device;

    for (unsigned i = 0; i < net->pairs; i++)
        set_backend(net, &net->pair[i], -1);
}

static uint32_t control(struct device *device, const struct vq_chain *chain)
{
    struct net_vhost *net = (struct net_vhost *)device;
    struct __attribute__((packed)) {
        struct virtio_net_ctrl_hdr header;
        uint16_t pairs;
    } request = {0};
    size_t size = iov_read(chain->segment, chain->readable, 0, &request, sizeof(request));
    uint8_t answer = VIRTIO_NET_ERR;

    if (size == sizeof(request) && request.header.class == VIRTIO_NET_CTRL_MQ &&
        request.header.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET && request.pairs >= 1 &&
        request.pairs <= net->pairs) {
        for (unsigned i = 0; i < net->pairs; i++)
            set_backend(net, &net->pair[i], -1); /* to be told anew where its rings are */
        device->state->own = request.pairs - 1u;
        set_pairs(net, request.pairs);
        answer = VIRTIO_NET_OK;
    }
    return (uint32_t)iov_write(chain->segment + chain->readable, chain->writable, 0, &answer, 1);
}

static void notify(struct device *device, unsigned queue)
{
    if (queue == device->outside)
        device_serve(device, queue, &((struct net_vhost *)device)->chain, control);
}

static const struct device_ops ops = {
    .name = "net",
    .id = VIRTIO_ID_NET,
    .start = start,
    .notify = notify,
    .reset = reset,
};

struct device *net_new_vhost(unsigned index, unsigned pairs, const int tap[], const int vhost[],
                             const uint8_t mac[6])
{
    struct net_vhost *net = calloc(1, sizeof(*net));

    if (!net)
        return NULL;
    net->pairs = pairs;
    net->device = (struct device){.ops = &ops, .index = index, .outside = 2 * pairs};
    net->device.queues = 2 * pairs + (pairs > 1);
    bool good = net_init(&net->device, tap[0], mac);
    for (unsigned i = 0; i < pairs; i++) {
        net->pair[i].tap = tap[i];
        net->pair[i].attached = true;
        good = good && vhost_open(&net->pair[i].vhost, vhost[i], 2 * i, 2, &net->device);
    }
    if (pairs > 1) {
        ((struct virtio_net_config *)net->device.config)->max_virtqueue_pairs = (uint16_t)pairs;
        net->device.features |= 1ull << VIRTIO_NET_F_CTRL_VQ | 1ull << VIRTIO_NET_F_MQ;
    }
    return good ? &net->device : NULL;
}
