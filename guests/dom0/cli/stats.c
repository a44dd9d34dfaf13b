/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn stats: what every vCPU has done since its domain was made.
 */
#include <stdio.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/sample.h"
#include "guests/dom0/common/report.h"

typedef unsigned long long count_t;

static bool json;
static unsigned domains; /* printed */

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void json_vcpu(unsigned vcpu, const struct vcpu_stats *s)
{
    printf("%s\n  {\"vcpu\": %u, \"cpu\": %u, \"state\": \"%s\", \"run_ns\": %llu, "
           "\"stolen_ns\": %llu, \"idle_ns\": %llu, \"request_ns\": %llu, \"off_ns\": %llu, "
           "\"held_ns\": %llu, \"injected\": %llu, \"notifies\": %llu, \"exits\": {\"irq\": %llu",
           vcpu ? "," : "", vcpu, s->cpu, stats_state_name(s), (count_t)s->ns[TARN_VCPU_RUNNING],
           (count_t)s->ns[TARN_VCPU_READY], (count_t)s->ns[TARN_VCPU_IDLE],
           (count_t)s->ns[TARN_VCPU_REQUEST], (count_t)s->ns[TARN_VCPU_OFF], (count_t)s->held_ns,
           (count_t)s->injected, (count_t)s->notifies, (count_t)s->irq_exits);
    for (unsigned i = 0; i < 64; i++) {
        if (stats_exit_name(i))
            printf(", \"%s\": %llu", stats_exit_name(i), (count_t)s->exits[i]);
        else if (s->exits[i])
            printf(", \"class_0x%02x\": %llu", i, (count_t)s->exits[i]);
    }
    printf("}}");
}

static void print_vcpu(const struct tarn_info *d, unsigned vcpu, const struct vcpu_stats *s)
{
    printf("%-31s  %4u  %3u  %-7s  %10.1f  %10.1f  %10.1f  %11llu  %11llu  %9llu\n", d->name, vcpu,
           s->cpu, stats_state_name(s), seconds(s->ns[TARN_VCPU_RUNNING]),
           seconds(s->ns[TARN_VCPU_READY]), seconds(s->ns[TARN_VCPU_IDLE]), (count_t)stats_exits(s),
           (count_t)s->injected, (count_t)s->notifies);
}

/* One domain. A vCPU that is gone meanwhile ends it. */
static void print_domain(const struct tarn_info *d)
{
    struct vcpu_stats stats;

    if (json)
        printf("%s{\"id\": %u, \"name\": \"%s\", \"requests\": %llu, \"completions\": %llu, "
               "\"vcpus\": [",
               domains++ ? ",\n " : "", d->id, d->name, (count_t)d->requests,
               (count_t)d->completions);
    for (unsigned i = 0; i < d->vcpus && hyper_vcpu_stats(d->id, i, &stats) == 0; i++) {
        if (json)
            json_vcpu(i, &stats);
        else
            print_vcpu(d, i, &stats);
    }
    if (json)
        printf("]}");
}

/* All its vCPUs together, one reason a line. */
static void print_exits(const struct tarn_info *d)
{
    struct vcpu_stats all = {.state = 0}, one;

    for (unsigned i = 0; i < d->vcpus && hyper_vcpu_stats(d->id, i, &one) == 0; i++) {
        all.irq_exits += one.irq_exits;
        for (unsigned j = 0; j < 64; j++)
            all.exits[j] += one.exits[j];
    }
    printf("\nexits of %s\n  %-16s %12llu\n", d->name, "irq", (count_t)all.irq_exits);
    for (unsigned i = 0; i < 64; i++) {
        if (all.exits[i] && stats_exit_name(i))
            printf("  %-16s %12llu\n", stats_exit_name(i), (count_t)all.exits[i]);
        else if (all.exits[i])
            printf("  class 0x%02x       %12llu\n", i, (count_t)all.exits[i]);
    }
    printf("accesses that its backend answered %llu, interrupts that it raised %llu\n",
           (count_t)d->requests, (count_t)d->completions);
}

int command_stats(int argc, char **argv)
{
    struct tarn_info info;

    json = take_option(&argc, argv, "--json");
    if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
        return report(EXIT_USAGE, "usage: tarn stats [--json] [DOMAIN]");
    int code = argc == 2 ? find_domain(argv[1], &info) : hyper_open() ? EXIT_GOOD : EXIT_FAILED;
    if (code)
        return code;
    if (json)
        putchar('[');
    else
        puts("DOMAIN                           VCPU  CPU  STATE         RUN s    STOLEN s      "
             "IDLE s        EXITS   INTERRUPTS   NOTIFIES");
    if (argc == 2)
        print_domain(&info);
    for (uint32_t id = 0; argc == 1 && hyper_info(id, &info) == 0; id = info.id + 1)
        print_domain(&info);
    if (json)
        puts("]");
    else if (argc == 2)
        print_exits(&info);
    return EXIT_GOOD;
}
