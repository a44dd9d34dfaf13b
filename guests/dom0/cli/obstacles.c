/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the way of a domain. Nothing is taken, so it may change before tarn create.
 */
#include "guests/dom0/cli/obstacles.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/dom0/cli/disk.h"
#include "guests/dom0/cli/kept.h"
#include "guests/dom0/common/report.h"

#define TARN_DEVICE "/dev/tarn"

__attribute__((format(printf, 2, 3))) static void say(FILE *out, const char *format, ...)
{
    va_list args;
    char *line = NULL;

    va_start(args, format);
    if (vasprintf(&line, format, args) >= 0) {
        make_plain(line);
        fprintf(out, "%s\n", line);
        free(line);
    }
    va_end(args);
}

static void look_at_machine(const struct config *c, FILE *out)
{
    struct tarn_machine_info machine;
    struct tarn_info info;

    if (hyper_find(c->name, &info) == 0)
        say(out, "there is a domain %s", c->name);
    if (hyper_machine(&machine) != 0)
        return;
    if (machine.pool_free < c->memory)
        say(out, "memory: %lluM wanted, %lluM free", (unsigned long long)c->memory >> 20,
            (unsigned long long)machine.pool_free >> 20);
    if (machine.cpus < 64 && !(c->cpus & ((UINT64_C(1) << machine.cpus) - 1)))
        say(out, "cpus: this machine has none of them");
}

struct search {
    const struct config *config;
    FILE *out;
};

static void look_at_vsock(const struct tarn_info *info, const struct config *other, void *context)
{
    const struct search *search = context;

    if (search->config->cid && search->config->cid == other->cid)
        say(search->out, "vsock: domain %s has cid %u", info->name, other->cid);
}

void obstacles_find(const struct config *config, FILE *out)
{
    if (access(TARN_DEVICE, R_OK | W_OK) != 0) {
        say(out, "%s: %s", TARN_DEVICE, strerror(errno));
    } else if (hyper_open()) {
        look_at_machine(config, out);
        kept_each_other(config, look_at_vsock, &(struct search){config, out});
    } else {
        say(out, "%s", last_report());
    }
    for (unsigned i = 0; i < config->disks; i++) {
        const struct config_disk *disk = &config->disk[i];
        if (disk->remote ? kept_has_disk(config, disk)
                         : disk->path[0] && disk_in_use(disk->path, disk->readonly))
            say(out, "disk \"%s\": another domain uses %s", disk->title, disk->path);
    }
}
