/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions; see region.h.
 */
#include "guests/dom0/cli/region.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guests/dom0/cli/kept.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define LOCK_NAME    "@regions" /* no name of a domain */
#define LOCK_SECONDS 20

/* The other domain that has a region. */
struct peer {
    const char *region;
    unsigned count; /* of those that have it; the rest is of the first */
    char name[TARN_NAME_SIZE];
    uint32_t id;
    uint64_t ipa, size;
};

static int held = -1;

bool regions_hold(const struct config *config)
{
    for (unsigned i = 0; i < config->ports && held < 0; i++) {
        if (config->port[i].memory == 0)
            continue;
        held = run_lock(LOCK_NAME, LOCK_SECONDS);
        if (held < 0) {
            report(0, "%s: %s: another domain that has regions is being made: %s; try again",
                   config->name, run_path("lock", LOCK_NAME).text, strerror(errno));
            return false;
        }
    }
    return true;
}

void regions_release(void)
{
    if (held >= 0)
        run_unlock(LOCK_NAME, held);
    held = -1;
}

static void look_at(const struct tarn_info *info, const struct config *other, void *context)
{
    struct peer *peer = context;

    for (unsigned i = 0; i < other->ports; i++) {
        if (other->port[i].memory == 0 || strcmp(other->port[i].name, peer->region) != 0 ||
            peer->count++ > 0)
            continue;
        strcpy(peer->name, info->name);
        peer->id = info->id;
        peer->ipa = config_region(other, i);
        peer->size = other->port[i].memory;
    }
}

static struct peer find_peer(const struct config *config, const char *region)
{
    struct peer peer = {.region = region};

    kept_each_other(config, look_at, &peer);
    return peer;
}

static int join(const struct config *config, unsigned number, int fd)
{
    const struct config_port *port = &config->port[number];
    struct peer peer = find_peer(config, port->name);
    uint64_t ipa = config_region(config, number);

    if (peer.count > 1) {
        config_error(config, stderr, port->line, "region",
                     "\"%s\" joins %s and another domain already; a region is of two domains: "
                     "use another name",
                     port->name, peer.name);
        return EXIT_FAILED;
    }
    if (peer.count && peer.size != port->memory) {
        config_error(config, stderr, port->line, "size",
                     "region \"%s\" has %lluM in domain %s; use the same size", port->name,
                     (unsigned long long)peer.size >> 20, peer.name);
        return EXIT_FAILED;
    }
    int error = hyper_share_memory(fd, ipa, port->memory, peer.id, peer.ipa);
    if (error == ENOENT)
        config_error(config, stderr, port->line, "region",
                     "\"%s\": domain %s, which has it, is ending; try again", port->name,
                     peer.name);
    else if (error)
        config_error(config, stderr, port->line, "size", "region \"%s\" of %lluM: %s; %s",
                     port->name, (unsigned long long)port->memory >> 20, strerror(error),
                     error == ENOMEM ? "make it smaller or destroy a domain" : "try again");
    return error ? EXIT_FAILED : EXIT_GOOD;
}

int regions_join(const struct config *config, int fd)
{
    int code = regions_hold(config) ? EXIT_GOOD : EXIT_FAILED;

    for (unsigned i = 0; i < config->ports && !code; i++)
        if (config->port[i].memory)
            code = join(config, i, fd);
    return code;
}

int region_connect(const struct config *config, unsigned number, bool *wins)
{
    struct peer peer = find_peer(config, config->port[number].name);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!peer.count)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    strncpy(address.sun_path, run_port(peer.name, config->port[number].name).text,
            sizeof(address.sun_path) - 1);
    *wins = strcmp(config->name, peer.name) < 0;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}
