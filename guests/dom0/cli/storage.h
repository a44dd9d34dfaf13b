/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is served by vhost-user: disks that are not raw by qemu-storage-daemon, shared folders by
 * virtiofsd. One process each, started with each backend and ended with it. May include config.h.
 */
#ifndef TARN_STORAGE_H
#define TARN_STORAGE_H

#include <sys/types.h>

#include "guests/dom0/common/config.h"

struct storage {
    const char *domain; /* its name */
    const struct config_disk *disk;
    int fd;            /* the image, open; the daemon opens no path but those of backing files */
    unsigned patience; /* seconds that a server may be away at first */
    unsigned queues;
    uid_t uid; /* who the daemon is to be */
};

/* Each starts a daemon and connects to it by vhost-user. Returns the connection, or -1 having said
 * why. */
int storage_start(const struct storage *storage);
int storage_share(const char *domain, const struct config_share *share);

/* Ends all daemons that were started. Returns when they are gone. */
void storage_end(void);

#endif
