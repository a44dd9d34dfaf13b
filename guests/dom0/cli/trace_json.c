/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of records that say what changed, slices that say what was. Each track has one slice open at
 * most (a vCPU's an exit inside of it), and what opens the next one ends it: whatever is missing
 * from the records, slices of a track never overlap.
 */
#include "guests/dom0/cli/trace_json.h"

#include <stdbool.h>
#include <string.h>

#include "guests/abi/domu.h"
#include "guests/dom0/cli/trace_names.h"

#define MAX_CPUS 64
#define NOBODY   UINT32_MAX

/* Numbers of processes and threads in the file; different for each, as the viewers want it. */
#define PID_CPUS        1u
#define TID_CPU(cpu)    (1u + (cpu))
#define PID_DOMAIN(id)  (1000u * ((id) + 1u))
#define TID_VCPU(d, id) (PID_DOMAIN(d) + 1 + (id))

typedef unsigned long long count_t;

struct track {
    bool known;     /* its state is */
    unsigned state; /* TARN_VCPU_* */
    bool held;
    uint32_t cpu;   /* where it runs */
    uint64_t since; /* in this state */
    bool exited;    /* `exit` is not over */
    struct tarn_trace_record exit;
    bool counted; /* `injected` is known */
    uint32_t injected;
    uint64_t pending; /* as the entry before had it */
};

static struct track tracks[TARN_MAX_DOMAINS][256];
static struct {
    uint32_t domain, vcpu; /* who runs; NOBODY */
    uint64_t since;        /* up to when it is known what the CPU did */
} cpus[MAX_CPUS];

/* Arrows that have begun: to a device's interrupt, to dom0's upcall. */
struct arrow {
    bool begun;
    struct tarn_trace_record from;
};
static struct arrow to_device[TARN_MAX_DOMAINS][TARN_MAX_VDEVS], to_dom0;
static unsigned arrows;

static FILE *out;
static const struct trace_facts *facts;
static bool first;

/* Ticks since the beginning, as nanoseconds. */
static count_t ns_of(uint64_t time)
{
    uint64_t ticks = time > facts->begin ? time - facts->begin : 0;

    return (count_t)((unsigned __int128)ticks * 1000000000 / facts->frequency);
}

/* Begins an event; times are microseconds. The caller adds members and the brace. */
static void event(const char *kind, unsigned pid, unsigned tid, uint64_t time)
{
    count_t ns = ns_of(time);

    fprintf(out, "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%llu.%03llu", first ? "" : ",\n",
            kind, pid, tid, ns / 1000, ns % 1000);
    first = false;
}

static void slice(unsigned pid, unsigned tid, uint64_t from, uint64_t to)
{
    count_t ns = ns_of(to) - ns_of(from);

    event("X", pid, tid, from);
    fprintf(out, ",\"dur\":%llu.%03llu", ns / 1000, ns % 1000);
}

static void instant(unsigned pid, unsigned tid, uint64_t time, const char *name)
{
    event("i", pid, tid, time);
    fprintf(out, ",\"s\":\"t\",\"cat\":\"interrupt\",\"name\":\"%s\"}", name);
}

static void arrow_end(const char *kind, const struct tarn_trace_record *r)
{
    event(kind, PID_DOMAIN(r->domain), TID_VCPU(r->domain, r->vcpu), r->time);
    fprintf(out, ",\"cat\":\"io\",\"name\":\"I/O\",\"id\":%u%s}", arrows,
            *kind == 'f' ? ",\"bp\":\"e\"" : "");
}

/* Only now it is known that it leads somewhere. */
static void draw(struct arrow *arrow, const struct tarn_trace_record *to)
{
    if (!arrow->begun)
        return;
    arrow->begun = false;
    arrows++;
    arrow_end("s", &arrow->from);
    arrow_end("f", to);
}

static void name_track(const char *what, unsigned pid, unsigned tid, const char *prefix, unsigned n)
{
    event("M", pid, tid, facts->begin);
    fprintf(out, ",\"name\":\"%s_name\",\"args\":{\"name\":\"%s", what, prefix);
    fprintf(out, n == NOBODY ? "\"}}" : " %u\"}}", n);
}

/* Names are printable, and a configuration may have quotes in one. */
static void print_domain(unsigned domain)
{
    if (!facts->name[domain][0])
        fprintf(out, "domain %u", domain);
    for (const char *c = facts->name[domain]; *c; c++)
        fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
}

static const char *state_name(const struct track *track)
{
    static const char *const names[] = {
        [TARN_VCPU_OFF] = "off",   [TARN_VCPU_READY] = "ready",     [TARN_VCPU_RUNNING] = "running",
        [TARN_VCPU_IDLE] = "idle", [TARN_VCPU_REQUEST] = "request",
    };

    if (track->held && track->state != TARN_VCPU_RUNNING)
        return "held";
    return track->state < sizeof(names) / sizeof(names[0]) ? names[track->state] : "unknown";
}

static void end_exit(struct track *track, uint64_t time)
{
    const struct tarn_trace_record *exit = &track->exit;
    char name[64];

    if (!track->exited)
        return;
    track->exited = false;
    trace_exit_name(exit, name, sizeof(name));
    slice(PID_DOMAIN(exit->domain), TID_VCPU(exit->domain, exit->vcpu), exit->time, time);
    fprintf(out, ",\"cat\":\"exit\",\"name\":\"%s\",\"args\":{\"pc\":\"0x%llx\"", name,
            (count_t)exit->value[0]);
    if (exit->what != TARN_TRACE_ASYNCHRONOUS)
        fprintf(out, ",\"esr\":\"0x%x\",\"value\":\"0x%llx\"", exit->what, (count_t)exit->value[1]);
    fputs("}}", out);
}

/* What a CPU did is over. */
static void end_cpu(unsigned cpu, uint64_t time)
{
    if (cpus[cpu].domain != NOBODY) {
        slice(PID_CPUS, TID_CPU(cpu), cpus[cpu].since, time);
        fputs(",\"cat\":\"sched\",\"name\":\"", out);
        print_domain(cpus[cpu].domain);
        fprintf(out, " vCPU %u\"}", cpus[cpu].vcpu);
    }
    cpus[cpu].domain = NOBODY;
    cpus[cpu].since = time;
}

static void end_state(unsigned domain, unsigned vcpu, uint64_t time)
{
    struct track *track = &tracks[domain][vcpu];

    end_exit(track, time);
    if (!track->known)
        return;
    if (track->state != TARN_VCPU_OFF) {
        slice(PID_DOMAIN(domain), TID_VCPU(domain, vcpu), track->since, time);
        fprintf(out, ",\"cat\":\"state\",\"name\":\"%s\"", state_name(track));
        if (track->state == TARN_VCPU_RUNNING)
            fprintf(out, ",\"args\":{\"cpu\":%u}", track->cpu);
        fputc('}', out);
    }
    if (track->state == TARN_VCPU_RUNNING && cpus[track->cpu].domain == domain &&
        cpus[track->cpu].vcpu == vcpu)
        end_cpu(track->cpu, time);
    track->known = false;
    track->since = time;
}

static void begin_state(unsigned domain, unsigned vcpu, unsigned state, unsigned cpu, uint64_t time)
{
    struct track *track = &tracks[domain][vcpu];

    if (state == TARN_VCPU_RUNNING) {
        if (cpus[cpu].domain != NOBODY) /* its end is missing */
            end_state(cpus[cpu].domain, cpus[cpu].vcpu, time);
        cpus[cpu].domain = domain;
        cpus[cpu].vcpu = vcpu;
        cpus[cpu].since = time;
    }
    track->known = true;
    track->state = state;
    track->cpu = cpu;
    track->since = time;
}

/* It exits or enters here: it runs, and did so before if nothing is known to have come between. */
static void runs_on(unsigned cpu, const struct tarn_trace_record *r)
{
    struct track *track = &tracks[r->domain][r->vcpu];

    if (track->known && track->state == TARN_VCPU_RUNNING && track->cpu == cpu)
        return;
    uint64_t since = track->known                     ? r->time
                     : track->since > cpus[cpu].since ? track->since
                                                      : cpus[cpu].since;
    end_state(r->domain, r->vcpu, r->time);
    if (cpus[cpu].domain != NOBODY)
        since = r->time;
    begin_state(r->domain, r->vcpu, TARN_VCPU_RUNNING, cpu, since);
}

static void change_state(unsigned cpu, const struct tarn_trace_record *r)
{
    struct track *track = &tracks[r->domain][r->vcpu];
    unsigned from = r->what >> 8 & 0xff;

    if (!track->known && from != TARN_VCPU_RUNNING)
        begin_state(r->domain, r->vcpu, from, cpu,
                    track->since > facts->begin ? track->since : facts->begin);
    else if (from == TARN_VCPU_RUNNING)
        runs_on(cpu, r);
    end_state(r->domain, r->vcpu, r->time);
    track->held = r->what >> 16 & 1;
    begin_state(r->domain, r->vcpu, r->what & 0xff, cpu, r->time);
}

static void begin_exit(unsigned cpu, const struct tarn_trace_record *r)
{
    struct track *track = &tracks[r->domain][r->vcpu];
    unsigned domain, device, queue;

    runs_on(cpu, r);
    end_exit(track, r->time);
    track->exited = true;
    track->exit = *r;
    if (trace_is_notify(r, &device, &queue))
        to_dom0 = (struct arrow){true, *r};
    else if (trace_is_completion(r, &domain, &device))
        to_device[domain][device] = (struct arrow){true, *r};
}

/* An interrupt that it is given with this entry. */
static void inject(const struct tarn_trace_record *r, unsigned intid)
{
    char name[64];

    trace_intid_name(intid, false, r->domain, name, sizeof(name));
    instant(PID_DOMAIN(r->domain), TID_VCPU(r->domain, r->vcpu), r->time, name);
    if (r->domain == 0 && intid == TARN_UPCALL_INTID)
        draw(&to_dom0, r);
    else if (r->domain != 0 && intid >= DOMU_VIRTIO_INTID &&
             intid - DOMU_VIRTIO_INTID < TARN_MAX_VDEVS)
        draw(&to_device[r->domain][intid - DOMU_VIRTIO_INTID], r);
}

static bool holds(uint64_t pending, uint64_t entry)
{
    for (; pending; pending >>= 16)
        if ((pending & 0xffff) == entry)
            return true;
    return false;
}

/*
 * Which of those that are pending are new: as many as were given to it since the entry before, and
 * those first that were not pending then.
 */
static void enter(unsigned cpu, const struct tarn_trace_record *r)
{
    struct track *track = &tracks[r->domain][r->vcpu];
    uint32_t given = track->counted ? r->what - track->injected : 0;

    runs_on(cpu, r);
    end_exit(track, r->time);
    for (unsigned again = 0; again < 2; again++)
        for (uint64_t left = r->value[0]; left; left >>= 16)
            if (holds(track->pending, left & 0xffff) == again && given > 0) {
                inject(r, left & 0xffff & ~TARN_TRACE_INTID);
                given--;
            }
    track->counted = true;
    track->injected = r->what;
    track->pending = r->value[0];
}

void trace_json_record(unsigned cpu, const struct tarn_trace_record *r)
{
    char name[64];

    if (cpu >= MAX_CPUS || r->domain >= TARN_MAX_DOMAINS)
        return;
    switch (r->type) {
    case TARN_TRACE_EXIT:
        begin_exit(cpu, r);
        break;
    case TARN_TRACE_ENTER:
        enter(cpu, r);
        break;
    case TARN_TRACE_STATE:
        change_state(cpu, r);
        break;
    case TARN_TRACE_IRQ:
        trace_intid_name(r->what, true, 0, name, sizeof(name));
        instant(PID_CPUS, TID_CPU(cpu), r->time, name);
        break;
    case TRACE_LOST:
        snprintf(name, sizeof(name), "%u records lost", r->what);
        instant(PID_CPUS, TID_CPU(cpu), r->time, name);
        if (cpus[cpu].domain != NOBODY)
            end_state(cpus[cpu].domain, cpus[cpu].vcpu, r->time);
        cpus[cpu].since = r->time;
        break;
    default:
        break;
    }
}

void trace_json_begin(FILE *file, const struct trace_facts *what)
{
    out = file;
    facts = what;
    first = true;
    arrows = 0;
    to_dom0.begun = false;
    memset(tracks, 0, sizeof(tracks));
    memset(to_device, 0, sizeof(to_device));
    fprintf(out,
            "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"records\":%llu,\"lost\":%llu},"
            "\"traceEvents\":[\n",
            (count_t)facts->records, (count_t)facts->lost);
    name_track("process", PID_CPUS, TID_CPU(0), "CPUs", NOBODY);
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        cpus[i].domain = NOBODY;
        cpus[i].since = facts->begin;
        if (i < facts->cpus)
            name_track("thread", PID_CPUS, TID_CPU(i), "CPU", i);
    }
}

void trace_json_end(void)
{
    for (unsigned domain = 0; domain < TARN_MAX_DOMAINS; domain++) {
        bool any = false;
        for (unsigned vcpu = 0; vcpu < 256; vcpu++) {
            struct track *track = &tracks[domain][vcpu];
            if (!track->known)
                continue;
            end_state(domain, vcpu, facts->end > track->since ? facts->end : track->since);
            name_track("thread", PID_DOMAIN(domain), TID_VCPU(domain, vcpu), "vCPU", vcpu);
            any = true;
        }
        if (!any)
            continue;
        event("M", PID_DOMAIN(domain), TID_VCPU(domain, 0), facts->begin);
        fputs(",\"name\":\"process_name\",\"args\":{\"name\":\"", out);
        print_domain(domain);
        fputs("\"}}", out);
    }
    fputs("\n]}\n", out);
}
