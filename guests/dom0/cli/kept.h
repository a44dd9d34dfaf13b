/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations of domains that run, as they are kept in their folders. May include config.h,
 * hyper.h.
 */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include "guests/dom0/common/config.h"
#include "guests/dom0/common/hyper.h"

/* Reads the one of a domain. False, with nothing to be freed, if there is none that can be read. */
bool kept_config(const char *name, struct config *config);

/* Calls fn for each domain but that of `config` and dom0 that has one and is not being destroyed.
 */
void kept_each_other(const struct config *config,
                     void (*fn)(const struct tarn_info *info, const struct config *other,
                                void *context),
                     void *context);

/* True if another domain has this network block device, and one of the two writes. */
bool kept_has_disk(const struct config *config, const struct config_disk *disk);

#endif
