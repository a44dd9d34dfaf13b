/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console: queue 0 takes what was typed, queue 1 brings what the guest prints.
 */
#include "guests/dom0/backend/console.h"

#include <linux/virtio_ids.h>

#include "guests/dom0/backend/terminal.h"

#define RX 0
#define TX 1

static struct {
    struct device device; /* first: a device is this object */
    bool in_use;
    struct vq_chain chain;
} console;

static uint32_t transmit(struct device *device, const struct vq_chain *chain)
{
    (void)device;
    for (unsigned i = 0; i < chain->readable; i++)
        terminal_output(chain->segment[i].iov_base, chain->segment[i].iov_len);
    console.in_use = true;
    return 0;
}

static void notify(struct device *device, unsigned queue)
{
    if (queue == TX)
        device_serve(device, TX, &console.chain, transmit);
    else
        terminal_retry();
}

/* A guest that printed to our predecessor did so here. */
static void start(struct device *device)
{
    console.in_use = device->vq[TX].state->next_used != 0;
}

static void reset(struct device *device)
{
    (void)device;
    console.in_use = false;
}

bool console_in_use(void)
{
    return console.in_use;
}

size_t console_input(const uint8_t *data, size_t size)
{
    struct device *device = &console.device;
    struct virtqueue *vq = &device->vq[RX];
    struct vq_chain *chain = &console.chain;
    size_t done = 0;

    if (!device->running)
        return 0;
    while (done < size && vq_pop(vq, chain) == VQ_GOT) {
        size_t n = iov_write(chain->segment + chain->readable, chain->writable, 0, data + done,
                             size - done);
        vq_push(vq, chain->head, (uint32_t)n);
        done += n;
    }
    if (done)
        device_signal(device, RX);
    if (vq->broken)
        device_fail(device, vq->broken);
    else if (done < size)
        vq_wait(vq);
    return done;
}

static const struct device_ops ops = {
    .name = "console",
    .id = VIRTIO_ID_CONSOLE,
    .queues = 2,
    .start = start,
    .notify = notify,
    .reset = reset,
};

struct device *console_new(unsigned index)
{
    console.device = (struct device){.ops = &ops, .index = index};
    return &console.device;
}
