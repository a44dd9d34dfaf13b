/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy device (virtio 1.2, 5.4). May include device.h. */
#ifndef BACKEND_ENTROPY_H
#define BACKEND_ENTROPY_H

#include "guests/dom0/backend/device.h"

/* Makes the entropy device `index`. One a process. */
struct device *entropy_new(unsigned index);

#endif
