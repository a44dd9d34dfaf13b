/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files behind disks, and drives whose medium changes. May include rundir.h.
 */
#ifndef CLI_DISK_H
#define CLI_DISK_H

#include <stdbool.h>

#include "guests/dom0/cli/rundir.h"

/*
 * Opens a disk and locks it: shared for readers, alone for a writer. direct: with O_DIRECT where
 * the file system has it. The lock lasts as long as any use of this opening, requests on their way
 * after a backend's death among them; so a new backend does not begin before they have ended, and
 * no two domains write to one disk. patience: seconds to wait for it beyond the moment that anybody
 * may take to close it. -1 with errno set; EBUSY: another domain has it.
 */
int disk_open(const char *path, bool readonly, bool direct, unsigned patience);

/* True if disk_open would find that another domain has it. */
bool disk_in_use(const char *path, bool readonly);

/* The file that names what is in a drive: disk `number` of a domain, empty in its configuration. */
struct run_path drive_medium(const char *name, unsigned number);

#endif
