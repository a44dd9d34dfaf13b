/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all domains have done up to now, for tarn stats and tarn top. May include common/hyper.h.
 */
#ifndef CLI_SAMPLE_H
#define CLI_SAMPLE_H

#include "guests/dom0/common/hyper.h"

/* A domain's counters, of all its vCPUs together. */
struct sample {
    struct tarn_info info;
    uint64_t run_ns, stolen_ns, exits, injected, notifies;
};

/* Samples all domains; a domain that goes meanwhile is left out. Returns how many. */
unsigned sample_all(struct sample sample[TARN_MAX_DOMAINS]);

/* Exits of all reasons. */
uint64_t stats_exits(const struct vcpu_stats *stats);

/* Exits of an exception class by name, "data_abort"; NULL: one that should not be. */
const char *stats_exit_name(unsigned exception_class);

/* "running", "idle", ..., "held". */
const char *stats_state_name(const struct vcpu_stats *stats);

#endif
