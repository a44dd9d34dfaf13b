/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network cards. The tap speaks the driver's own header (12 bytes), so checksums and large segments
 * pass untouched in both directions. Packets are read straight into buffers of the driver that are
 * held ready for the largest one; what a packet leaves over waits for the next. A packet that finds
 * too little room is lost, as on a wire.
 */
#include "guests/dom0/backend/net.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"

#define RX       0
#define TX       1
#define HEADER   sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define LARGEST  (HEADER + 65550) /* bytes of a packet with its header */
#define SEGMENTS (2 * VQ_MAX_SIZE)
#define BURST    64 /* packets before others have their turn */

struct net {
    struct device device; /* first: a device is its network card */
    struct loop_source tap;
    struct vq_chain chain;
    /* Buffers popped for reception: their heads and sizes, and their segments one after another. */
    struct vring_used_elem held[VQ_MAX_SIZE];
    unsigned held_segments[VQ_MAX_SIZE];
    unsigned helds;
    struct iovec iov[SEGMENTS + 1]; /* the last for `spill` */
    unsigned segments;
    size_t room;
    uint8_t spill[LARGEST]; /* shows that a packet did not fit */
};

static void hold(struct net *net)
{
    const struct vq_chain *chain = &net->chain;

    memcpy(&net->iov[net->segments], chain->segment + chain->readable,
           chain->writable * sizeof(struct iovec));
    net->held[net->helds] =
        (struct vring_used_elem){.id = chain->head, .len = chain->writable_bytes};
    net->held_segments[net->helds++] = chain->writable;
    net->segments += chain->writable;
    net->room += chain->writable_bytes;
}

/* Pops buffers until the largest packet fits or there are no more. Returns whether there is one. */
static bool gather(struct net *net)
{
    struct virtqueue *vq = &net->device.vq[RX];
    size_t wanted = device_has(&net->device, VIRTIO_NET_F_MRG_RXBUF) ? LARGEST : 1;

    while (net->room < wanted && net->helds < VQ_MAX_SIZE &&
           net->segments <= SEGMENTS - VQ_MAX_SIZE) {
        enum vq_result result = vq_pop(vq, &net->chain);
        if (result == VQ_GOT)
            hold(net);
        else if (result == VQ_BROKEN || vq_wait(vq))
            break;
    }
    return net->helds > 0;
}

/* Gives the first `count` buffers back, with what was written in each set. */
static void release(struct net *net, unsigned count)
{
    unsigned segments = 0;

    vq_push_all(&net->device.vq[RX], net->held, count);
    for (unsigned i = 0; i < count; i++)
        segments += net->held_segments[i];
    net->helds -= count;
    net->segments -= segments;
    memmove(net->held, net->held + count, net->helds * sizeof(net->held[0]));
    memmove(net->held_segments, net->held_segments + count,
            net->helds * sizeof(net->held_segments[0]));
    memmove(net->iov, net->iov + segments, net->segments * sizeof(net->iov[0]));
}

/* A packet of `size` bytes, header included, is in the first buffers. */
static void deliver(struct net *net, size_t size)
{
    uint16_t count = 0;

    for (size_t left = size; left > 0; count++) {
        uint32_t part = net->held[count].len;
        net->room -= part;
        if (part > left)
            part = (uint32_t)left;
        net->held[count].len = part;
        left -= part;
    }
    iov_write(net->iov, net->segments, offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers),
              &count, sizeof(count));
    release(net, count);
}

static void receive(struct net *net)
{
    for (unsigned i = 0; i < BURST && gather(net); i++) {
        net->iov[net->segments] = (struct iovec){.iov_base = net->spill, .iov_len = LARGEST};
        ssize_t size = readv(net->tap.fd, net->iov, (int)net->segments + 1);
        if (size < 0)
            break;
        if ((size_t)size >= HEADER && (size_t)size <= net->room)
            deliver(net, (size_t)size);
    }
    loop_set(&net->tap, gather(net) ? EPOLLIN : 0);
    device_signal(&net->device, RX);
    if (net->device.vq[RX].broken)
        device_fail(&net->device, net->device.vq[RX].broken);
}

static void tap_ready(struct loop_source *source, uint32_t events)
{
    struct net *net = (struct net *)((uint8_t *)source - offsetof(struct net, tap));

    (void)events;
    if (net->device.running)
        receive(net);
    else
        loop_set(source, 0);
}

/* A packet that the tap does not take (no memory, interface down, odd header) is lost. */
static uint32_t transmit(struct device *device, const struct vq_chain *chain)
{
    ssize_t sent = writev(((struct net *)device)->tap.fd, chain->segment, chain->readable);

    (void)sent;
    return 0;
}

static void notify(struct device *device, unsigned queue)
{
    struct net *net = (struct net *)device;

    if (queue == TX)
        device_serve(device, TX, &net->chain, transmit);
    else
        receive(net);
}

void net_set_offloads(struct device *device, int tap)
{
    unsigned offload = 0;

    if (device_has(device, VIRTIO_NET_F_GUEST_CSUM)) {
        offload = TUN_F_CSUM;
        offload |= device_has(device, VIRTIO_NET_F_GUEST_TSO4) ? TUN_F_TSO4 : 0;
        offload |= device_has(device, VIRTIO_NET_F_GUEST_TSO6) ? TUN_F_TSO6 : 0;
    }
    if (ioctl(tap, TUNSETOFFLOAD, offload) != 0)
        device->host->log(device, "the tap refuses offloads: packets may have no checksum");
}

static void start(struct device *device)
{
    net_set_offloads(device, ((struct net *)device)->tap.fd);
}

static void reset(struct device *device)
{
    struct net *net = (struct net *)device;

    net->helds = net->segments = 0;
    net->room = 0;
    loop_set(&net->tap, 0);
}

static const struct device_ops ops = {
    .name = "net",
    .id = VIRTIO_ID_NET,
    .queues = 2,
    .start = start,
    .notify = notify,
    .reset = reset,
};

bool net_init(struct device *device, int tap, const uint8_t mac[6])
{
    struct virtio_net_config *config = (struct virtio_net_config *)device->config;
    int header = HEADER;

    device->features = 1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |
                       1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_NET_F_CSUM |
                       1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4 |
                       1ull << VIRTIO_NET_F_HOST_TSO6 | 1ull << VIRTIO_NET_F_GUEST_TSO4 |
                       1ull << VIRTIO_NET_F_GUEST_TSO6;
    memcpy(config->mac, mac, 6);
    config->status = VIRTIO_NET_S_LINK_UP;
    return ioctl(tap, TUNSETVNETHDRSZ, &header) == 0;
}

struct device *net_new(unsigned index, int fd, const uint8_t mac[6])
{
    struct net *net = calloc(1, sizeof(*net));

    if (!net)
        return NULL;
    net->device = (struct device){.ops = &ops, .index = index};
    net->tap = (struct loop_source){.fd = fd, .events = 0, .ready = tap_ready};
    return net_init(&net->device, fd, mac) && loop_add(&net->tap) ? &net->device : NULL;
}
