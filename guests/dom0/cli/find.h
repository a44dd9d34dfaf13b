/* SPDX-License-Identifier: Apache-2.0 */
/* The domain that an argument names. May include hyper.h. */
#ifndef CLI_FIND_H
#define CLI_FIND_H

#include "guests/dom0/common/hyper.h"

/* Opens /dev/tarn and finds the domain, which may take some seconds if it is just being made anew.
 * Returns an exit code; errors are reported, with how a domain that is no more has ended. */
int find_domain(const char *name_or_id, struct tarn_info *info);

#endif
