/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power button: queue 0 carries events to the guest, queue 1 status (LEDs) that it has none of.
 */
#include "guests/dom0/backend/input.h"

#include <linux/input-event-codes.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_input.h>
#include <string.h>

#define EVENTS 0
#define STATUS 1

static struct device button;
static struct vq_chain chain;

/* Lays out the configuration that select and subsel ask for. */
static void show_config(struct device *device)
{
    struct virtio_input_config *config = (struct virtio_input_config *)device->config;
    static const char name[] = "Tarn power button";

    memset(&config->u, 0, sizeof(config->u));
    config->size = 0;
    switch (config->select) {
    case VIRTIO_INPUT_CFG_ID_NAME:
        config->size = sizeof(name) - 1;
        memcpy(config->u.string, name, sizeof(name) - 1);
        break;
    case VIRTIO_INPUT_CFG_ID_DEVIDS:
        config->size = sizeof(config->u.ids);
        config->u.ids.bustype = 6; /* BUS_VIRTUAL */
        break;
    case VIRTIO_INPUT_CFG_EV_BITS:
        if (config->subsel == EV_KEY) {
            config->size = KEY_POWER / 8 + 1;
            config->u.bitmap[KEY_POWER / 8] = 1 << KEY_POWER % 8;
        }
        break;
    default:
        break;
    }
}

/* Only select and subsel, the first two bytes, can be written. */
static void write_config(struct device *device, uint32_t offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size && offset + i < 2; i++)
        device->config[offset + i] = (uint8_t)(value >> (8 * i));
    show_config(device);
}

static uint32_t ignore(struct device *device, const struct vq_chain *unused)
{
    (void)device;
    (void)unused;
    return 0;
}

/* Room for events is looked for when there is one. */
static void notify(struct device *device, unsigned queue)
{
    if (queue == STATUS)
        device_serve(device, queue, &chain, ignore);
}

static bool send_event(uint16_t type, uint16_t code, uint32_t value)
{
    struct virtqueue *vq = &button.vq[EVENTS];
    struct virtio_input_event event = {.type = type, .code = code, .value = value};

    if (vq_pop(vq, &chain) != VQ_GOT)
        return false;
    size_t size =
        iov_write(chain.segment + chain.readable, chain.writable, 0, &event, sizeof(event));
    vq_push(vq, chain.head, (uint32_t)size);
    return true;
}

bool input_press_power(void)
{
    if (!button.running)
        return false;
    bool sent = send_event(EV_KEY, KEY_POWER, 1) && send_event(EV_SYN, SYN_REPORT, 0) &&
                send_event(EV_KEY, KEY_POWER, 0) && send_event(EV_SYN, SYN_REPORT, 0);
    device_signal(&button, EVENTS);
    if (button.vq[EVENTS].broken)
        device_fail(&button, button.vq[EVENTS].broken);
    return sent;
}

static const struct device_ops ops = {
    .name = "input",
    .id = VIRTIO_ID_INPUT,
    .queues = 2,
    .notify = notify,
    .write_config = write_config,
};

struct device *input_new(unsigned index)
{
    button = (struct device){.ops = &ops, .index = index};
    return &button;
}
