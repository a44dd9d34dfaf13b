/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu-storage-daemon for disks that are not raw: one process a disk, started with each backend and
 * ended with it. May include config.h.
 */
#ifndef TARN_STORAGE_H
#define TARN_STORAGE_H

#include <sys/types.h>

#include "guests/dom0/common/config.h"

struct storage {
    const char *domain; /* its name, and the number of the disk in its configuration */
    unsigned number;
    const struct config_disk *disk;
    int fd; /* the image, open; the daemon opens no path but those of backing files */
    unsigned queues;
    uid_t uid; /* who the daemon is to be */
};

/* Starts a daemon and connects to it by vhost-user. Returns the connection, or -1 having said why.
 */
int storage_start(const struct storage *storage);

/* Ends all daemons that were started. Returns when they are gone. */
void storage_end(void);

#endif
