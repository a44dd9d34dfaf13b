/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/tarn as the command line uses it. Functions return 0 or an errno value, unless said
 * otherwise. May include the driver's uapi.
 */
#ifndef DOM0_HYPER_H
#define DOM0_HYPER_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dom0/driver/uapi/tarn.h"

/* Opens /dev/tarn, once; reports what is wrong. Returns false then. */
bool hyper_open(void);

int hyper_machine(struct tarn_machine_info *info);

/* The domain with the lowest id >= id. ENOENT: none. */
int hyper_info(uint32_t id, struct tarn_info *info);

/* The domain that a user means by a name or a number. ENOENT: none; dom0 can be meant, too.
 * name_or_id must not be in *info. */
int hyper_find(const char *name_or_id, struct tarn_info *info);

int hyper_create(const char *name, unsigned vcpus, uint32_t *id, int *fd);

/* A descriptor of a domain by name; backend: the one with which its devices are served. */
int hyper_attach(const char *name, bool backend, int *fd);

/* On a control descriptor. */
int hyper_populate(int fd, uint64_t ipa, uint64_t size);

/* Memory shared with the domain `from`, or new for 0; see TARN_SHARE_MEMORY. */
int hyper_share_memory(int fd, uint64_t ipa, uint64_t size, uint32_t from, uint64_t from_ipa);
int hyper_destroy(int fd);
int hyper_state(int fd, struct tarn_info *info);

/* What a vCPU did, from its domain's start on. */
struct vcpu_stats {
    uint64_t exits[64];      /* by exception class */
    unsigned state;          /* TARN_VCPU_* */
    bool held;               /* paused or stopped */
    unsigned cpu;            /* where it runs */
    uint64_t ns[5], held_ns; /* in each TARN_VCPU_*, and held */
    uint64_t irq_exits, injected, notifies;
};
int hyper_vcpu_stats(uint32_t id, unsigned vcpu, struct vcpu_stats *stats);

/* Sets what of a domain's part of the CPUs is not 0 (weight) or not UINT64_MAX (cap, percent); both
 * are results. */
int hyper_share(uint32_t id, uint32_t *weight, uint64_t *cap);

/* Sets where a vCPU may run if *cpus is not 0; both are results. */
int hyper_affinity(uint32_t id, unsigned vcpu, uint64_t *cpus, bool *dedicated);

/* Reads log->count bytes at log->position; sets log->level if it is one. */
int hyper_log(struct tarn_log *log);

/* Begins a trace, see TARN_TRACE. */
int hyper_trace(struct tarn_trace *trace);

/* "running", "crashed"...; the reason as a word, "" for none. */
const char *hyper_state_name(unsigned state);
const char *hyper_reason_name(unsigned reason);

/* Why a domain left running, in words: "crashed: ..." with the syndrome; "" for none. */
struct hyper_words {
    char text[192];
};
struct hyper_words hyper_reason_words(const struct tarn_info *info);

/* How a process ended, by wait(2)'s status: "killed by SIGSEGV", "exit code 1". */
struct hyper_words hyper_death_words(int status);

#endif
