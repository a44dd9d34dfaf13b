/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn top: what domains do, between one look and the next. On a terminal the table is drawn anew
 * in place until q; elsewhere tables follow one another.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/sample.h"
#include "guests/dom0/common/report.h"

#define SCREEN_ON  "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"
#define HOME       "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

struct look {
    struct sample sample[TARN_MAX_DOMAINS];
    unsigned count;
    double when;
};

/* Per second, between two looks at one domain. */
struct rate {
    double cpu, stolen; /* percent of one CPU */
    double exits, injected, notifies, completions;
};

static struct look looks[2];
static bool json, terminal;

static void take(struct look *look)
{
    struct timespec now;

    look->count = sample_all(look->sample);
    clock_gettime(CLOCK_MONOTONIC, &now);
    look->when = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The same domain in the look before; one that began since has done nothing before. */
static const struct sample *before(const struct look *look, const struct sample *now)
{
    static const struct sample nothing;

    for (unsigned i = 0; i < look->count; i++)
        if (look->sample[i].info.id == now->info.id &&
            strcmp(look->sample[i].info.name, now->info.name) == 0 &&
            look->sample[i].exits <= now->exits)
            return &look->sample[i];
    return &nothing;
}

static struct rate rate_of(const struct sample *was, const struct sample *is, double seconds)
{
    return (struct rate){
        .cpu = (double)(is->run_ns - was->run_ns) / 1e7 / seconds,
        .stolen = (double)(is->stolen_ns - was->stolen_ns) / 1e7 / seconds,
        .exits = (double)(is->exits - was->exits) / seconds,
        .injected = (double)(is->injected - was->injected) / seconds,
        .notifies = (double)(is->notifies - was->notifies) / seconds,
        .completions = (double)(is->info.completions - was->info.completions) / seconds,
    };
}

static void print_json(const struct sample *s, const struct rate *r, bool first)
{
    printf("%s{\"id\": %u, \"name\": \"%s\", \"state\": \"%s\", \"vcpus\": %u, \"memory\": %llu, "
           "\"cpu_percent\": %.1f, \"stolen_percent\": %.1f, \"exits_per_s\": %.0f, "
           "\"injected_per_s\": %.0f, \"notifies_per_s\": %.0f, \"completions_per_s\": %.0f}",
           first ? "" : ",\n ", s->info.id, s->info.name, hyper_state_name(s->info.state),
           s->info.vcpus, (unsigned long long)s->info.memory, r->cpu, r->stolen, r->exits,
           r->injected, r->notifies, r->completions);
}

static void print_row(const struct sample *s, const struct rate *r)
{
    printf("%4u  %-23.23s  %-8s  %5u  %6lluM  %6.1f  %6.1f  %8.0f  %8.0f  %8.0f  %8.0f%s\n",
           s->info.id, s->info.name, hyper_state_name(s->info.state), s->info.vcpus,
           (unsigned long long)s->info.memory >> 20, r->cpu, r->stolen, r->exits, r->injected,
           r->notifies, r->completions, terminal ? CLEAR_LINE : "");
}

/* How many rows fit below the heading. */
static unsigned rows(unsigned count)
{
    struct winsize size;

    if (!terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 3)
        return count;
    return count < size.ws_row - 2u ? count : size.ws_row - 2u;
}

static void show(const struct look *was, const struct look *is)
{
    unsigned count = json ? is->count : rows(is->count);

    if (json)
        putchar('[');
    else
        printf("%s  ID  NAME                     STATE     VCPUS   MEMORY    CPU%%  STOLEN   "
               "EXITS/s   INTRS/s  NOTIFY/s   COMPL/s%s\n",
               terminal ? HOME : "", terminal ? CLEAR_LINE : "");
    for (unsigned i = 0; i < count; i++) {
        const struct sample *s = &is->sample[i];
        struct rate rate = rate_of(before(was, s), s, is->when - was->when);
        if (json)
            print_json(s, &rate, i == 0);
        else
            print_row(s, &rate);
    }
    fputs(json ? "]\n" : terminal ? CLEAR_REST : "\n", stdout);
    fflush(stdout);
}

/* Waits. False: q was pressed, or nobody is there to press it any more. */
static bool wait_or_quit(double seconds)
{
    struct pollfd keys = {.fd = terminal ? STDIN_FILENO : -1, .events = POLLIN};
    char key = 0;

    if (poll(&keys, 1, (int)(seconds * 1000)) <= 0)
        return true;
    return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 3 && key != 4;
}

static void watch(double seconds, unsigned long count)
{
    struct look *was = &looks[0], *is = &looks[1];

    take(was);
    for (unsigned long i = 0; count == 0 || i < count; i++) {
        if (!wait_or_quit(seconds))
            return;
        take(is);
        show(was, is);
        struct look *other = was;
        was = is;
        is = other;
    }
}

/* A number > 0 of `option`, which is taken; *value stays if there is none. */
static bool take_number(int *argc, char **argv, const char *option, double *value)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], option) != 0)
            continue;
        char *end = NULL;
        *value = i + 1 < *argc ? strtod(argv[i + 1], &end) : 0;
        if (!end || *end || !(*value >= 0.1 && *value <= 1e6))
            return false;
        memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof(*argv));
        *argc -= 2;
        return true;
    }
    return true;
}

int command_top(int argc, char **argv)
{
    struct termios old, raw;
    double seconds = 2, count = 0;

    json = take_option(&argc, argv, "--json");
    if (!take_number(&argc, argv, "-d", &seconds) || !take_number(&argc, argv, "-n", &count) ||
        argc != 1)
        return report(EXIT_USAGE, "usage: tarn top [-d SECONDS] [-n COUNT] [--json]");
    if (!hyper_open())
        return EXIT_FAILED;
    terminal = !json && count == 0 && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    if (terminal) {
        raw = old;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        fputs(SCREEN_ON, stdout);
    }
    watch(seconds, (unsigned long)count);
    if (terminal) {
        fputs(SCREEN_OFF, stdout);
        fflush(stdout);
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
    }
    return EXIT_GOOD;
}
