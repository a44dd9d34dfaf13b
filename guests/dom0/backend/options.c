/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn-backend's command line.
 */
#include "guests/dom0/backend/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/dom0/backend/device.h"

static const struct option names[] = {
    {"name", required_argument, NULL, 'n'},     {"memory", required_argument, NULL, 'm'},
    {"domain", required_argument, NULL, 'd'},   {"state", required_argument, NULL, 's'},
    {"terminal", required_argument, NULL, 't'}, {"control", required_argument, NULL, 'c'},
    {"log", required_argument, NULL, 'l'},      {"ready", required_argument, NULL, 'r'},
    {"device", required_argument, NULL, 'D'},   {"port", required_argument, NULL, 'p'},
    {"watchdog", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0},
};

static bool parse_disk(struct device_option *device, const char *rest)
{
    char mode[3], end;

    if (sscanf(rest, ":%d:%2[rwo]:%u:%20s%c", &device->fd, mode, &device->queues, device->serial,
               &end) != 4 ||
        device->queues < 1 || device->queues > DEVICE_MAX_QUEUES)
        return false;
    device->readonly = strcmp(mode, "ro") == 0;
    return device->readonly || strcmp(mode, "rw") == 0;
}

static bool parse_net(struct device_option *device, const char *rest)
{
    uint8_t *mac = device->mac;
    int used = 0;

    if (sscanf(rest, ":%d:%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &device->fd, &mac[0], &mac[1], &mac[2],
               &mac[3], &mac[4], &mac[5], &used) != 7)
        return false;
    for (rest += used; *rest && device->pairs < NET_MAX_PAIRS; rest += used) {
        unsigned i = device->pairs++;
        if (sscanf(rest, ":%d,%d%n", &device->tap[i], &device->vhost[i], &used) != 2)
            return false;
    }
    return *rest == '\0';
}

static bool parse_device(struct options *options, const char *text)
{
    char end;
    int used = 0;

    if (options->devices == OPTIONS_DEVICES)
        return false;
    struct device_option *device = &options->device[options->devices++];
    if (sscanf(text, "%u:%7[a-z]%n", &device->index, device->word, &used) != 2 ||
        device->index >= OPTIONS_DEVICES)
        return false;
    const char *kind = device->word;
    const char *rest = text + used;
    if (strcmp(kind, "disk") == 0 || strcmp(kind, "proxy") == 0) {
        device->kind = kind[0] == 'd' ? KIND_DISK : KIND_PROXY;
        return parse_disk(device, rest);
    }
    if (strcmp(kind, "net") == 0) {
        device->kind = KIND_NET;
        return parse_net(device, rest);
    }
    if (strcmp(kind, "vsock") == 0) {
        device->kind = KIND_VSOCK;
        return sscanf(rest, ":%d:%u%c", &device->fd, &device->cid, &end) == 2;
    }
    if (strcmp(kind, "share") == 0) {
        device->kind = KIND_SHARE;
        return sscanf(rest, ":%d:%36s%c", &device->fd, device->tag, &end) == 2;
    }
    if (strcmp(kind, "console") == 0)
        device->kind = KIND_CONSOLE;
    else if (strcmp(kind, "ports") == 0)
        device->kind = KIND_PORTS;
    else if (strcmp(kind, "entropy") == 0)
        device->kind = KIND_ENTROPY;
    else if (strcmp(kind, "input") == 0)
        device->kind = KIND_INPUT;
    return device->kind != KIND_NONE && *rest == '\0';
}

static bool parse_port(struct options *options, const char *text)
{
    if (options->ports == PORTS_MAX)
        return false;
    struct port_option *port = &options->port[options->ports++];
    int wins = 0;
    bool good = sscanf(text, "%d:%d:%d:%36s", &port->fd, &port->peer, &wins, port->name) == 4;
    port->wins = wins;
    return good;
}

static bool parse_one(struct options *options, int letter, const char *text)
{
    switch (letter) {
    case 'n':
        options->name = text;
        return true;
    case 'm':
        return sscanf(text, "%lu", &options->memory) == 1;
    case 'd':
        return sscanf(text, "%d", &options->domain_fd) == 1;
    case 's':
        return sscanf(text, "%d", &options->state_fd) == 1;
    case 't':
        return sscanf(text, "%d", &options->terminal_fd) == 1;
    case 'c':
        return sscanf(text, "%d", &options->control_fd) == 1;
    case 'l':
        return sscanf(text, "%d:%d", &options->log_fd, &options->old_log_fd) == 2;
    case 'r':
        return sscanf(text, "%d", &options->ready_fd) == 1;
    case 'p':
        return parse_port(options, text);
    case 'w':
        return sscanf(text, "%u", &options->watchdog) == 1;
    case 'D':
        return parse_device(options, text);
    default:
        return false;
    }
}

bool options_parse(struct options *options, int argc, char **argv)
{
    int letter;

    *options = (struct options){.domain_fd = -1,
                                .state_fd = -1,
                                .terminal_fd = -1,
                                .control_fd = -1,
                                .log_fd = -1,
                                .old_log_fd = -1,
                                .ready_fd = -1,
                                .watchdog = OPTIONS_DEVICES};
    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (!parse_one(options, letter, optarg)) {
            fprintf(stderr, "tarn-backend: bad option; it is started by tarn, not by hand\n");
            return false;
        }
    }
    if (!options->name || options->domain_fd < 0 || options->state_fd < 0 || !options->memory) {
        fprintf(stderr, "tarn-backend: an option is missing; it is started by tarn, not by hand\n");
        return false;
    }
    return true;
}
