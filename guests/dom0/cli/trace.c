/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn trace record: what all CPUs do, for a viewer. While it goes on, rings are emptied into a
 * temporary file per CPU; when it is over, these are merged by time.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/trace_json.h"
#include "guests/dom0/cli/trace_ring.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define USAGE "usage: tarn trace record [-o FILE] [-t SECONDS] [--size KIB] [-- COMMAND ...]"
#define CPUS  64
#define BATCH 4096
#define PAUSE 5000000 /* ns between two looks at the rings */

struct options {
    const char *file;
    double seconds; /* 0: until something else ends it */
    unsigned pages; /* of a ring */
    char **command; /* or NULL */
};

static struct trace_ring rings[CPUS];
static FILE *spool[CPUS];
static struct tarn_trace trace;
static struct trace_facts facts;

static uint64_t counter(void)
{
    uint64_t value;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)); /* dom0 has no offset */
    return value;
}

static uint64_t frequency(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

/* Domains may come and go while it is recorded. */
static void learn_names(void)
{
    struct tarn_info info;

    for (uint32_t id = 0; hyper_info(id, &info) == 0; id = info.id + 1)
        memcpy(facts.name[info.id], info.name, sizeof(facts.name[0]));
}

/* What is new in a ring; before it, if so, that something is missing. */
static bool drain(unsigned cpu)
{
    static struct tarn_trace_record records[BATCH];
    struct trace_ring *ring = &rings[cpu];
    bool good = true;

    for (size_t count = BATCH; good && count == BATCH;) {
        uint64_t lost = ring->lost;
        count = trace_ring_read(ring, records, BATCH);
        if (ring->lost != lost && count) {
            struct tarn_trace_record gone = {
                .time = records[0].time, .type = TRACE_LOST, .what = (uint32_t)(ring->lost - lost)};
            good = fwrite(&gone, sizeof(gone), 1, spool[cpu]) == 1;
        }
        good = good && fwrite(records, sizeof(records[0]), count, spool[cpu]) == count;
        facts.records += count;
    }
    return good;
}

static bool drain_all(void)
{
    for (unsigned i = 0; i < trace.cpus; i++)
        if (!drain(i))
            return false;
    return true;
}

/* One record of each CPU, and the one that is the earliest. */
static void merge(void)
{
    static struct tarn_trace_record next[CPUS];
    bool there[CPUS] = {false};

    for (unsigned i = 0; i < trace.cpus; i++) {
        rewind(spool[i]);
        there[i] = fread(&next[i], sizeof(next[i]), 1, spool[i]) == 1;
    }
    for (;;) {
        unsigned cpu = CPUS;
        for (unsigned i = 0; i < trace.cpus; i++)
            if (there[i] && (cpu == CPUS || next[i].time < next[cpu].time))
                cpu = i;
        if (cpu == CPUS)
            return;
        trace_json_record(cpu, &next[cpu]);
        uint64_t time = next[cpu].time;
        there[cpu] = fread(&next[cpu], sizeof(next[cpu]), 1, spool[cpu]) == 1;
        if (next[cpu].time < time)
            next[cpu].time = time; /* two reads of the counter may change places */
    }
}

static int command_code;

static int failed(const char *what)
{
    return report(EXIT_FAILED, "%s: %s", what, strerror(errno));
}

static int start_command(char **command, const sigset_t *mask, pid_t *child)
{
    *child = fork();
    if (*child < 0)
        return report(EXIT_FAILED, "%s: %s", command[0], strerror(errno));
    if (*child == 0) {
        sigprocmask(SIG_SETMASK, mask, NULL);
        execvp(command[0], command);
        _exit(report(127, "%s: %s", command[0], strerror(errno)));
    }
    return EXIT_GOOD;
}

/* Whether the command has ended by itself; how is what we end with, too. */
static bool has_ended(pid_t child)
{
    int status;

    if (child <= 0 || waitpid(child, &status, WNOHANG) != child)
        return false;
    command_code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
    return true;
}

/* SIGTERM, and for one that does not heed it, two seconds later SIGKILL. */
static void end_command(pid_t child)
{
    static const struct timespec moment = {.tv_nsec = 10000000};

    kill(child, SIGTERM);
    for (unsigned i = 0; i < 200; i++) {
        if (waitpid(child, NULL, WNOHANG) == child)
            return;
        nanosleep(&moment, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Until a signal, the end of the command or of the time. */
static int watch(const struct options *options)
{
    const struct timespec pause = {.tv_nsec = PAUSE};
    uint64_t end = facts.begin + (uint64_t)(options->seconds * (double)facts.frequency);
    uint64_t named = 0;
    sigset_t wanted, mask;
    pid_t child = 0;
    int code = EXIT_GOOD, signal = 0;
    bool over = false;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &mask);
    if (options->command)
        code = start_command(options->command, &mask, &child);
    while (!code && !over && (options->seconds == 0 || counter() < end)) {
        if (counter() - named >= facts.frequency) {
            learn_names();
            named = counter();
        }
        if (!drain_all())
            code = failed("temporary files in /tmp");
        signal = sigtimedwait(&wanted, NULL, &pause);
        bool ended = has_ended(child);
        if (ended)
            child = 0;
        over = ended || (signal > 0 && signal != SIGCHLD);
    }
    if (child > 0)
        end_command(child);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return code;
}

/* Takes the place of what was in the file. */
static int write_file(const struct options *options, FILE *out)
{
    struct stat st;

    if (fstat(fileno(out), &st) != 0 || (S_ISREG(st.st_mode) && ftruncate(fileno(out), 0) != 0))
        return failed(options->file);
    trace_json_begin(out, &facts);
    merge();
    trace_json_end();
    if (fflush(out) != 0 || ferror(out))
        return failed(options->file);
    printf("%s: %llu records in %.2f s, %llu lost; open it in ui.perfetto.dev\n", options->file,
           (unsigned long long)facts.records,
           (double)(facts.end - facts.begin) / (double)facts.frequency,
           (unsigned long long)facts.lost);
    if (trace.pages != options->pages)
        printf("rings were of %u KiB each: their size is settled by the first recording after a "
               "boot\n",
               trace.pages * 4);
    return EXIT_GOOD;
}

static int busy(void)
{
    char path[32], name[32] = "a process that has ended";

    snprintf(path, sizeof(path), "/proc/%u/comm", trace.recorder);
    FILE *comm = fopen(path, "re");
    if (comm && fgets(name, sizeof(name), comm))
        name[strcspn(name, "\n")] = '\0';
    if (comm)
        fclose(comm);
    return report(EXIT_FAILED, "process %u (%s) records already: wait for it, or kill %u",
                  trace.recorder, name, trace.recorder);
}

/* With the page before them. */
static size_t ring_bytes(void)
{
    return (1 + (size_t)trace.cpus * trace.pages) * 4096;
}

/* Tracing is on from here until the descriptor is closed. */
static int start(const struct options *options)
{
    facts.frequency = frequency();
    trace.pages = options->pages;
    int error = hyper_trace(&trace);
    if (error == EBUSY)
        return busy();
    if (error)
        return report(EXIT_FAILED, "tracing cannot begin: %s%s", strerror(error),
                      error == ENOMEM ? "; give a smaller --size, or boot Tarn with a larger heap="
                                      : "");
    const void *page = mmap(NULL, ring_bytes(), PROT_READ, MAP_SHARED, trace.fd, 0);
    if (page == MAP_FAILED)
        return report(EXIT_FAILED, "the rings cannot be mapped: %s", strerror(errno));
    for (unsigned i = 0; i < trace.cpus; i++) {
        spool[i] = tmpfile();
        if (!spool[i])
            return report(EXIT_FAILED, "a temporary file in /tmp: %s", strerror(errno));
    }
    facts.cpus = trace.cpus;
    facts.begin = counter();
    for (unsigned i = 0; i < trace.cpus; i++)
        trace_ring_open(&rings[i], page, i,
                        trace.pages * 4096ull / sizeof(struct tarn_trace_record));
    return EXIT_GOOD;
}

static void stop(void)
{
    munmap((void *)rings[0].page, ring_bytes());
    close(trace.fd);
}

static int record(const struct options *options, FILE *out)
{
    int code = watch(options);

    if (code)
        return code;
    learn_names();
    if (!drain_all())
        return failed("temporary files in /tmp");
    stop();
    facts.end = counter();
    for (unsigned i = 0; i < trace.cpus; i++)
        facts.lost += rings[i].lost;
    return write_file(options, out);
}

/* The file is opened before, so that nothing is recorded in vain; one that is empty is not left. */
static int record_to_file(const struct options *options)
{
    struct stat st;
    FILE *out = fopen(options->file, "ae");

    if (!out)
        return failed(options->file);
    int code = hyper_open() ? start(options) : EXIT_FAILED;
    if (!code)
        code = record(options, out);
    if (fclose(out) != 0 && !code)
        code = failed(options->file);
    if (code && stat(options->file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        unlink(options->file);
    return code ? code : command_code;
}

/* Returns false if the command line is wrong. */
static bool take_options(int argc, char **argv, struct options *options)
{
    char *end = NULL;
    int i = 2;

    for (; i < argc && strcmp(argv[i], "--") != 0; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value)
            return false;
        if (strcmp(argv[i], "-o") == 0) {
            options->file = value;
        } else if (strcmp(argv[i], "-t") == 0) {
            options->seconds = strtod(value, &end);
            if (*end || !(options->seconds > 0 && options->seconds < 1e6))
                return false;
        } else if (strcmp(argv[i], "--size") == 0) {
            unsigned long kib = strtoul(value, &end, 10);
            if (*end || kib == 0 || kib % 4 || kib / 4 > TARN_TRACE_PAGES)
                return report(0, "--size is a multiple of 4, at most %d", 4 * TARN_TRACE_PAGES);
            options->pages = (unsigned)(kib / 4);
        } else {
            return false;
        }
    }
    if (i < argc)
        options->command = &argv[i + 1];
    return i + 1 != argc;
}

int command_trace(int argc, char **argv)
{
    struct options options = {.file = "tarn-trace.json", .pages = 64};

    if (argc < 2 || strcmp(argv[1], "record") != 0 || !take_options(argc, argv, &options))
        return report(EXIT_USAGE, USAGE);
    return record_to_file(&options);
}
