/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn-backend's command line: open file descriptors and what they are for. The supervisor writes
 * it; the backend itself opens nothing. Includes nothing.
 */
#ifndef BACKEND_OPTIONS_H
#define BACKEND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dom0/backend/net.h"
#include "guests/dom0/backend/ports.h"

#define OPTIONS_DEVICES 40 /* TARN_MAX_VDEVS */

enum device_kind {
    KIND_NONE,
    KIND_CONSOLE,
    KIND_ENTROPY,
    KIND_INPUT,
    KIND_DISK,
    KIND_PROXY,
    KIND_NET,
    KIND_VSOCK,
    KIND_SHARE,
    KIND_PORTS
};

/* --device=INDEX:console | INDEX:entropy | INDEX:input | INDEX:disk|proxy:FD:ro|rw:QUEUES:SERIAL |
 * INDEX:net:FD:MAC[:TAP_FD,VHOST_FD...] (for each pair of queues, without FD) | INDEX:vsock:FD:CID
 * | INDEX:share:FD:TAG | INDEX:ports, of which each is --port=FD:NAME */
struct device_option {
    enum device_kind kind;
    char word[8]; /* for it */
    unsigned index;
    int fd;
    unsigned pairs; /* of queues that vhost-net serves; 0: not by vhost */
    int tap[NET_MAX_PAIRS], vhost[NET_MAX_PAIRS];
    bool readonly;
    unsigned queues;
    char serial[21];
    char tag[37]; /* of a share */
    uint32_t cid; /* of vsock */
    uint8_t mac[6];
};

struct options {
    const char *name;
    uint64_t memory; /* bytes */
    int domain_fd;   /* a backend descriptor of /dev/tarn */
    int state_fd;    /* shared memory that outlives the backend */
    int terminal_fd; /* listening sockets, or -1 */
    int control_fd;
    int log_fd;        /* the terminal's log, or -1 */
    int old_log_fd;    /* where it goes when it is full, or -1 */
    int ready_fd;      /* gets a byte when the devices are there, or -1 */
    unsigned watchdog; /* its index */
    unsigned devices;
    struct device_option device[OPTIONS_DEVICES];
    unsigned ports;
    struct port_option port[PORTS_MAX];
};

/* Returns false and says why on stderr. */
bool options_parse(struct options *options, int argc, char **argv);

#endif
