/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations of domains that run; see kept.h.
 */
#include "guests/dom0/cli/kept.h"

#include <string.h>

#include "guests/dom0/cli/rundir.h"

bool kept_config(const char *name, struct config *config)
{
    FILE *nowhere = fopen("/dev/null", "we");

    if (!nowhere)
        return false;
    bool good = config_read(config, run_path(name, "config").text, nowhere);
    fclose(nowhere);
    if (!good)
        config_free(config);
    return good;
}

void kept_each_other(const struct config *config,
                     void (*fn)(const struct tarn_info *info, const struct config *other,
                                void *context),
                     void *context)
{
    struct tarn_info info;
    struct config other;

    for (uint32_t id = 1; hyper_info(id, &info) == 0; id = info.id + 1) {
        if (strcmp(info.name, config->name) == 0 || info.state == TARN_STATE_DYING ||
            !kept_config(info.name, &other))
            continue;
        fn(&info, &other, context);
        config_free(&other);
    }
}

struct search {
    const struct config_disk *disk;
    bool found;
};

static void look_at_disks(const struct tarn_info *info, const struct config *other, void *context)
{
    struct search *search = context;

    (void)info;
    for (unsigned i = 0; i < other->disks; i++)
        search->found |= other->disk[i].remote &&
                         !(other->disk[i].readonly && search->disk->readonly) &&
                         strcmp(other->disk[i].path, search->disk->path) == 0;
}

bool kept_has_disk(const struct config *config, const struct config_disk *disk)
{
    struct search search = {.disk = disk};

    kept_each_other(config, look_at_disks, &search);
    return search.found;
}
