/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain was configured with, for tarn info. May include hyper.h. */
#ifndef CLI_DETAILS_H
#define CLI_DETAILS_H

#include "guests/dom0/common/hyper.h"

/* Lines "key value", in the words of tarn.conf(5). */
void details_print(const struct tarn_info *info);

/* Members of an object that has others already. */
void details_json(const struct tarn_info *info);

#endif
