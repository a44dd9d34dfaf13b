/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the commands. Includes nothing. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

/* Takes an option without a value off the arguments. True if it was there. */
bool take_option(int *argc, char **argv, const char *option);

#endif
