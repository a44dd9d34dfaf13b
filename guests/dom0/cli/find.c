/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and ids of domains on the command line.
 */
#include "guests/dom0/cli/find.h"

#include <errno.h>
#include <string.h>

#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/report.h"

int find_domain(const char *name_or_id, struct tarn_info *info)
{
    char last[256] = "";

    if (!hyper_open())
        return EXIT_FAILED;
    int error = hyper_find(name_or_id, info);
    if (!error)
        return EXIT_GOOD;
    if (error != ENOENT)
        return report(EXIT_FAILED, "%s: %s", name_or_id, strerror(error));
    if (config_name_is_good(name_or_id))
        run_read(run_path("last", name_or_id).text, last, sizeof(last));
    return report(EXIT_NO_DOMAIN, "there is no domain %s%s%s; see tarn list", name_or_id,
                  last[0] ? ", the last one ended " : "", last);
}
