/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's configuration file, tarn.conf(5). Errors are one line each: file, line, key, what is
 * wrong, remedy. Includes nothing.
 */
#ifndef DOM0_CONFIG_H
#define DOM0_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_MAX_DISKS    16
#define CONFIG_MAX_NETWORKS 8
#define CONFIG_MAX_PAIRS    4
#define CONFIG_MAX_SHARES   3
#define CONFIG_MAX_PORTS    4

struct config_disk {
    const char *title, *path; /* "": a drive without a disk */
    const char *type;         /* "raw", or one of qemu-storage-daemon's */
    bool remote;              /* type "nbd": path is an address */
    bool readonly;
    int line; /* of path */
};

struct config_network {
    const char *title, *bridge;
    bool vhost;      /* backend = "vhost", the default; else "user" */
    unsigned queues; /* pairs of them, more than 1 with vhost only */
    uint8_t mac[6];  /* as given, or made of the domain's name and the network's number */
    int line;        /* of bridge */
};

/* What becomes of a domain that has crashed, or wants to reboot. */
enum config_action { ACTION_RESTART, ACTION_DESTROY, ACTION_PRESERVE };

struct config_share {
    const char *tag, *path;
    int line; /* of path */
};

/* A port, or a region: memory shared with one other domain, and a port to it. */
struct config_port {
    const char *name;
    uint64_t memory; /* bytes, whole TARN_BLOCK_SIZE; 0: none, the other end is a socket in dom0 */
    int line;        /* of size */
};

struct config {
    const char *file;
    const char *name, *kernel, *initrd, *cmdline; /* initrd may be NULL; cmdline is "" then */
    uint64_t memory;                              /* bytes, whole TARN_BLOCK_SIZE */
    unsigned vcpus;
    uint32_t weight;
    uint64_t cap;   /* percent of a CPU; 0: none */
    uint64_t cpus;  /* that its vCPUs may run on, a bit each; all: every bit */
    bool dedicated; /* a CPU of its own for each vCPU */
    unsigned disks, networks, shares;
    struct config_disk disk[CONFIG_MAX_DISKS];
    struct config_network network[CONFIG_MAX_NETWORKS];
    struct config_share share[CONFIG_MAX_SHARES];
    unsigned ports;
    struct config_port port[CONFIG_MAX_PORTS];
    uint32_t cid;            /* the guest's vsock address, or 0 for none */
    const char *console_log; /* or NULL */
    enum config_action on_crash, on_reboot;
    int line_name, line_kernel, line_initrd, line_cmdline, line_memory, line_vcpus, line_log,
        line_cid, line_cpus, line_dedicated;
    void *parsed; /* what owns the strings */
};

/* Reads a file and checks every value by itself. Returns false, with every error on `errors`. */
bool config_read(struct config *config, const char *file, FILE *errors);

void config_free(struct config *config);

/* Where the guest has the memory of port[number]: one region below the other, and all below its
 * RAM. */
uint64_t config_region(const struct config *config, unsigned number);

/* True for a name a domain may have: 1 to 31 of letters, digits, "_", ".", "-", a letter first. */
bool config_name_is_good(const char *name);

/* Says "FILE:LINE: key 'KEY': ..." on errors, as the functions here do. */
void config_error(const struct config *config, FILE *errors, int line, const char *key,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
