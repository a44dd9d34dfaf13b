/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and ids of domains on the command line.
 */
#include "guests/dom0/cli/find.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/report.h"

#define PATIENCE 200 /* moments */

static bool is_building(const char *name)
{
    return config_name_is_good(name) && run_is_building(name);
}

int find_domain(const char *name_or_id, struct tarn_info *info)
{
    static const struct timespec moment = {.tv_nsec = 50000000};
    char last[256] = "";
    int error = ENOENT;

    if (!hyper_open())
        return EXIT_FAILED;
    /* While its supervisor makes it anew there is none. The mark may come or go in between. */
    for (unsigned i = 0; i < PATIENCE; i++) {
        bool building = is_building(name_or_id);
        error = hyper_find(name_or_id, info);
        if (error != ENOENT || !(building || is_building(name_or_id)))
            break;
        nanosleep(&moment, NULL);
    }
    if (!error)
        return EXIT_GOOD;
    if (error != ENOENT)
        return report(EXIT_FAILED, "%s: %s", name_or_id, strerror(error));
    if (config_name_is_good(name_or_id))
        run_read(run_path("last", name_or_id).text, last, sizeof(last));
    return report(EXIT_NO_DOMAIN, "there is no domain %s%s%s; see tarn list", name_or_id,
                  last[0] ? ", the last one ended " : "", last);
}
