/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of domains.
 */
#include "guests/dom0/cli/sample.h"

#include <stddef.h>

uint64_t stats_exits(const struct vcpu_stats *stats)
{
    uint64_t exits = stats->irq_exits;

    for (unsigned i = 0; i < 64; i++)
        exits += stats->exits[i];
    return exits;
}

const char *stats_exit_name(unsigned exception_class)
{
    static const char *const names[64] = {
        [0x00] = "undefined",
        [0x01] = "wfi",
        [0x07] = "fp",
        [0x15] = "svc",
        [0x16] = "hvc",
        [0x17] = "smc",
        [0x18] = "system_register",
        [0x20] = "fetch_abort",
        [0x24] = "data_abort",
        [0x2f] = "serror",
    };
    return exception_class < 64 ? names[exception_class] : NULL;
}

const char *stats_state_name(const struct vcpu_stats *stats)
{
    static const char *const names[] = {
        [TARN_VCPU_OFF] = "off",   [TARN_VCPU_READY] = "ready",     [TARN_VCPU_RUNNING] = "running",
        [TARN_VCPU_IDLE] = "idle", [TARN_VCPU_REQUEST] = "request",
    };
    if (stats->held)
        return "held";
    return stats->state < sizeof(names) / sizeof(names[0]) ? names[stats->state] : "unknown";
}

static bool sample_domain(struct sample *sample)
{
    struct vcpu_stats stats;

    for (unsigned i = 0; i < sample->info.vcpus; i++) {
        if (hyper_vcpu_stats(sample->info.id, i, &stats) != 0)
            return false;
        sample->run_ns += stats.ns[TARN_VCPU_RUNNING];
        sample->stolen_ns += stats.ns[TARN_VCPU_READY];
        sample->exits += stats_exits(&stats);
        sample->injected += stats.injected;
        sample->notifies += stats.notifies;
    }
    return true;
}

unsigned sample_all(struct sample sample[TARN_MAX_DOMAINS])
{
    unsigned count = 0;
    uint32_t next = 0;

    while (count < TARN_MAX_DOMAINS) {
        sample[count] = (struct sample){.run_ns = 0};
        if (hyper_info(next, &sample[count].info) != 0)
            break;
        next = sample[count].info.id + 1;
        count += sample_domain(&sample[count]);
    }
    return count;
}
