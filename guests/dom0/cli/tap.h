/* SPDX-License-Identifier: Apache-2.0 */
/* Tap interfaces. Includes nothing. */
#ifndef CLI_TAP_H
#define CLI_TAP_H

#include <stdbool.h>

/*
 * A tap interface with the header of virtio-net, up, in a bridge; it goes when its descriptor is
 * closed. name: at most 15 characters. `several`: each call with the name opens a further queue of
 * it. Returns a nonblocking descriptor, or -1 with errno set.
 */
int tap_open(const char *name, const char *bridge, bool several);

#endif
