/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: memory that two domains share, and the port between them. Which domain has which is in
 * the configurations kept of those that run. May include config.h.
 */
#ifndef CLI_REGION_H
#define CLI_REGION_H

#include "guests/dom0/common/config.h"

/*
 * From before a domain looks for who has its regions until its own configuration is kept, nobody
 * else may do so: that both find nobody would make two regions of one. One that begins anew holds
 * them from before its former life ends, lest a third one takes its place. False: others hold them
 * for long, which is reported; true, too, if it has none, or holds them already.
 */
bool regions_hold(const struct config *config);
void regions_release(void);

/*
 * Gives a created domain the memory of its regions: that of the other domain that has one of the
 * name, or new. Holds them; the caller releases them, after an error, too. Returns an exit code;
 * errors are reported.
 */
int regions_join(const struct config *config, int fd);

/*
 * A connection to the other domain's port of port[number]; -1: there is none. *wins: when both call
 * each other at a time, this call counts.
 */
int region_connect(const struct config *config, unsigned number, bool *wins);

#endif
