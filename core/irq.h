/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical interrupts: where each goes. May include core.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include "core/pcpu.h"

/*
 * Acknowledges and handles one pending interrupt of the calling CPU, if there is one: an SPI goes
 * to dom0, the virtual timer to the loaded vCPU, the rest is Tarn's own. On an exit, or idle.
 */
void irq_handle_one(struct pcpu *cpu);

/* Each CPU at boot: enables the private interrupts handled above. */
void irq_init_cpu(void);

#endif
