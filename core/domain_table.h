/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by domain.c, destroy.c and affinity.c alone: the table of domains and the steps between
 * them.
 */
#ifndef CORE_DOMAIN_TABLE_H
#define CORE_DOMAIN_TABLE_H

#include "core/domain.h"

struct domain_table {
    spinlock_t lock; /* creation and destruction; look-ups go without, see core/grace.h */
    struct domain *domain[TARN_MAX_DOMAINS];
};
extern struct domain_table domain_table;

/* Gives back all EL2 memory of a domain that nobody can reach any more. Table lock held. */
void domain_free(struct domain *domain);

/* Its vCPUs, which are not ready, need no place on CPUs any more. Table lock held. */
void domain_unplace(struct domain *domain);

/* True once none of its (held) vCPUs is current on a CPU. */
bool domain_is_off_cpu(struct domain *domain);

#endif
