/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the commands.
 */
#include "guests/dom0/cli/options.h"

#include <string.h>

bool take_option(int *argc, char **argv, const char *option)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], option) == 0) {
            memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
            --*argc;
            return true;
        }
    }
    return false;
}
