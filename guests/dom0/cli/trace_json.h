/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a trace, in the order of their times, as the JSON of the Trace Event Format that
 * ui.perfetto.dev and chrome://tracing open: a track for each physical CPU (who runs there,
 * physical interrupts) and for each vCPU (its state, exits, interrupts given to it), arrows from
 * notification and completion to the interrupts that they cause. May include guests/abi.
 */
#ifndef CLI_TRACE_JSON_H
#define CLI_TRACE_JSON_H

#include <stdint.h>
#include <stdio.h>

#include "guests/abi/hypercall.h"
#include "guests/abi/notify.h"

/* Made up by the reader: `what` records of this CPU are missing before the next one. */
#define TRACE_LOST 0xff

/* What is known besides the records. */
struct trace_facts {
    uint64_t frequency;  /* of the counter, Hz */
    uint64_t begin, end; /* counter */
    unsigned cpus;
    uint64_t records, lost;
    char name[TARN_MAX_DOMAINS][TARN_NAME_SIZE]; /* of domains; "": unknown */
};

/* The file's head; each record; its end. One file at a time. Errors: ferror(out). */
void trace_json_begin(FILE *out, const struct trace_facts *facts);
void trace_json_record(unsigned cpu, const struct tarn_trace_record *record);
void trace_json_end(void);

#endif
