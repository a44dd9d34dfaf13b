/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which virtio-mmio device of a domain is what: the one order that the domain, its device tree and
 * its backend agree upon. May include config.h.
 */
#ifndef DOM0_DEVICES_H
#define DOM0_DEVICES_H

#include "guests/dom0/common/config.h"

enum slot_kind {
    SLOT_CONSOLE,
    SLOT_ENTROPY,
    SLOT_INPUT,
    SLOT_WATCHDOG, /* not virtio */
    SLOT_DISK,
    SLOT_NETWORK,
    SLOT_VSOCK,
    SLOT_SHARE,
    SLOT_PORTS
};

struct slot {
    enum slot_kind kind;
    unsigned number;    /* of the disk, network or share in the configuration */
    unsigned device_id; /* virtio 1.2, 5 */
    unsigned queues;
};

#define MAX_DISK_QUEUES 4 /* one for each vCPU, up to this */

#define MAX_SLOTS (6 + CONFIG_MAX_DISKS + CONFIG_MAX_NETWORKS + CONFIG_MAX_SHARES)

/* Where in its page the watchdog's refresh frame is; before that, the control frame. */
#define WATCHDOG_REFRESH 0xfe0

/* Fills slot[]; the place in it is the device's index. Returns how many. */
unsigned devices_of(const struct config *config, struct slot slot[MAX_SLOTS]);

#endif
