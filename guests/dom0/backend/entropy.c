/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entropy device: fills buffers from getrandom(2).
 */
#include "guests/dom0/backend/entropy.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

#define MOST 4096 /* bytes a buffer: what one request may cost */

static void notify(struct device *device, unsigned queue)
{
    static struct vq_chain chain;
    struct virtqueue *vq = &device->vq[queue];
    uint8_t bytes[MOST];

    vq_busy(vq);
    do {
        while (vq_pop(vq, &chain) == VQ_GOT) {
            size_t want = chain.writable_bytes < MOST ? chain.writable_bytes : MOST;
            ssize_t got = getrandom(bytes, want, 0);
            size_t n = iov_write(chain.segment + chain.readable, chain.writable, 0, bytes,
                                 got > 0 ? (size_t)got : 0);
            vq_push(vq, chain.head, (uint32_t)n);
        }
    } while (!vq_wait(vq));
    device_signal(device, queue);
}

static const struct device_ops ops = {
    .name = "entropy",
    .id = VIRTIO_ID_RNG,
    .queues = 1,
    .notify = notify,
};

struct device *entropy_new(unsigned index)
{
    static struct device device;

    device = (struct device){.ops = &ops, .index = index};
    return &device;
}
