/* SPDX-License-Identifier: Apache-2.0 */
/* What tarn create and tarn check say of a file. May include config.h. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "guests/dom0/common/config.h"

/* The name in a configuration, be the rest of it good or not; "" if it has none that is good. */
const char *check_name(const struct config *config);

/* Prints {"file": ..., "good": ..., "name": ... and, if it is not good, all that was reported; the
 * caller closes the object. */
void check_json(const char *file, bool good, const char *name);

#endif
