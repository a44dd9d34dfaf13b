/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a domain's devices.
 */
#include "guests/dom0/common/devices.h"

#include <linux/virtio_ids.h>

#include "guests/abi/notify.h"

_Static_assert(MAX_SLOTS <= TARN_MAX_VDEVS, "a domain has room for every device of its config");

unsigned devices_of(const struct config *config, struct slot slot[MAX_SLOTS])
{
    unsigned queues = config->vcpus < MAX_DISK_QUEUES ? config->vcpus : MAX_DISK_QUEUES;
    unsigned n = 0;

    slot[n++] = (struct slot){SLOT_CONSOLE, 0, VIRTIO_ID_CONSOLE, 2};
    slot[n++] = (struct slot){SLOT_ENTROPY, 0, VIRTIO_ID_RNG, 1};
    slot[n++] = (struct slot){SLOT_INPUT, 0, VIRTIO_ID_INPUT, 2};
    for (unsigned i = 0; i < config->disks; i++)
        slot[n++] = (struct slot){SLOT_DISK, i, VIRTIO_ID_BLOCK, queues};
    for (unsigned i = 0; i < config->networks; i++)
        slot[n++] = (struct slot){SLOT_NETWORK, i, VIRTIO_ID_NET,
                                  2 * config->network[i].queues + (config->network[i].queues > 1)};
    if (config->cid)
        slot[n++] = (struct slot){SLOT_VSOCK, 0, VIRTIO_ID_VSOCK, 3};
    for (unsigned i = 0; i < config->shares; i++)
        slot[n++] = (struct slot){SLOT_SHARE, i, VIRTIO_ID_FS, 2};
    if (config->ports)
        slot[n++] = (struct slot){SLOT_PORTS, 0, VIRTIO_ID_CONSOLE, 2 * config->ports + 2};
    slot[n++] = (struct slot){SLOT_WATCHDOG, 0, TARN_PLAIN_ID, 1};
    return n;
}
