/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entropy device: fills buffers from getrandom(2).
 */
#include "guests/dom0/backend/entropy.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

#define MOST 4096 /* bytes a buffer: what one request may cost */

static uint32_t fill(struct device *device, const struct vq_chain *chain)
{
    uint8_t bytes[MOST];
    size_t want = chain->writable_bytes < MOST ? chain->writable_bytes : MOST;
    ssize_t got = getrandom(bytes, want, 0);

    (void)device;
    return (uint32_t)iov_write(chain->segment + chain->readable, chain->writable, 0, bytes,
                               got > 0 ? (size_t)got : 0);
}

static void notify(struct device *device, unsigned queue)
{
    static struct vq_chain chain;

    device_serve(device, queue, &chain, fill);
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
