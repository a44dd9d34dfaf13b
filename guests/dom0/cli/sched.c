/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn sched, vcpu-list, vcpu-pin: parts of the CPUs, and which.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/sample.h"
#include "guests/dom0/common/config_value.h"
#include "guests/dom0/common/report.h"

static bool json;
static unsigned printed;

/* Calls print() for the domain that the argument names, or for all if there is none. */
static int for_domains(const char *argument, const char *head,
                       void (*print)(const struct tarn_info *))
{
    struct tarn_info info;
    int code = argument ? find_domain(argument, &info) : hyper_open() ? EXIT_GOOD : EXIT_FAILED;

    if (!code)
        fputs(json ? "[" : head, stdout);
    if (!code && argument)
        print(&info);
    for (uint32_t id = 0; !code && !argument && hyper_info(id, &info) == 0; id = info.id + 1)
        print(&info);
    if (!code && json)
        puts("]");
    return code;
}

static void print_share(const struct tarn_info *d)
{
    uint32_t weight = 0;
    uint64_t cap = UINT64_MAX;
    char text[24] = "none";

    if (hyper_share(d->id, &weight, &cap) != 0)
        return; /* it has just gone */
    if (cap)
        snprintf(text, sizeof(text), "%llu%%", (unsigned long long)cap);
    if (json)
        printf("%s{\"id\": %u, \"name\": \"%s\", \"weight\": %u, \"cap\": %llu}",
               printed++ ? ",\n " : "", d->id, d->name, weight, (unsigned long long)cap);
    else
        printf("%4u  %-31s  %6u  %6s\n", d->id, d->name, weight, text);
}

/* "KEY=NUMBER": the number, in its range. */
static bool read_number(const char *argument, const char *key, unsigned long least,
                        unsigned long most, unsigned long *value)
{
    size_t length = strlen(key);
    char *end;

    if (strncmp(argument, key, length) != 0 || argument[length] != '=' || !argument[length + 1])
        return false;
    errno = 0;
    *value = strtoul(argument + length + 1, &end, 10);
    return !errno && !*end && argument[length + 1] != '-' && *value >= least && *value <= most;
}

static int set_share(int count, char **words)
{
    struct tarn_info info;
    unsigned long weight = 0, cap = ~0ul;

    for (int i = 1; i < count; i++)
        if (!read_number(words[i], "weight", 1, 65535, &weight) &&
            !read_number(words[i], "cap", 0, 100 * TARN_MAX_VCPUS, &cap))
            return report(EXIT_USAGE,
                          "'%s': give weight=1 to weight=65535, or cap= and a percentage of one "
                          "CPU, 0 for no cap",
                          words[i]);
    int code = find_domain(words[0], &info);
    if (code)
        return code;
    uint32_t new_weight = (uint32_t)weight;
    uint64_t new_cap = cap;
    int error = hyper_share(info.id, &new_weight, &new_cap);
    return error ? report(EXIT_FAILED, "%s: %s", info.name, strerror(error)) : EXIT_GOOD;
}

int command_sched(int argc, char **argv)
{
    json = take_option(&argc, argv, "--json");
    if (argc > 4 || (argc > 1 && argv[1][0] == '-') || (json && argc > 2))
        return report(EXIT_USAGE, "usage: tarn sched [--json] [DOMAIN [weight=N] [cap=N]]");
    if (argc > 2)
        return set_share(argc - 1, argv + 1);
    return for_domains(argc == 2 ? argv[1] : NULL,
                       "  ID  NAME                             WEIGHT     CAP\n", print_share);
}

static void print_vcpu(const struct tarn_info *d, unsigned vcpu)
{
    struct vcpu_stats stats;
    char text[CONFIG_CPUS_TEXT];
    uint64_t cpus = 0;
    bool dedicated = false;

    if (hyper_vcpu_stats(d->id, vcpu, &stats) != 0 ||
        hyper_affinity(d->id, vcpu, &cpus, &dedicated) != 0)
        return;
    config_print_cpus(cpus, text);
    if (json)
        printf("%s{\"id\": %u, \"name\": \"%s\", \"vcpu\": %u, \"cpu\": %u, \"state\": \"%s\", "
               "\"cpus\": \"%s\", \"dedicated\": %s}",
               printed++ ? ",\n " : "", d->id, d->name, vcpu, stats.cpu, stats_state_name(&stats),
               text, dedicated ? "true" : "false");
    else
        printf("%-31s  %4u  %3u  %-7s  %8.1f  %s%s\n", d->name, vcpu, stats.cpu,
               stats_state_name(&stats), (double)stats.ns[TARN_VCPU_RUNNING] / 1e9, text,
               dedicated ? " (dedicated)" : "");
}

static void print_vcpus(const struct tarn_info *d)
{
    for (unsigned i = 0; i < d->vcpus; i++)
        print_vcpu(d, i);
}

int command_vcpu_list(int argc, char **argv)
{
    json = take_option(&argc, argv, "--json");
    if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
        return report(EXIT_USAGE, "usage: tarn vcpu-list [--json] [DOMAIN]");
    return for_domains(
        argc == 2 ? argv[1] : NULL,
        "DOMAIN                           VCPU  CPU  STATE       RUN s  MAY RUN ON\n", print_vcpus);
}

static int pin(const struct tarn_info *d, unsigned vcpu, uint64_t cpus, bool dedicated)
{
    int error = hyper_affinity(d->id, vcpu, &cpus, &dedicated);

    if (error == EINVAL)
        return report(EXIT_FAILED, "this machine has none of these CPUs; see tarn info");
    if (error == EBUSY && dedicated)
        return report(EXIT_FAILED,
                      "no CPU is left to dedicate to vCPU %u of %s: on each there is somebody who "
                      "may run nowhere else; see tarn vcpu-list",
                      vcpu, d->name);
    if (error == EBUSY)
        return report(EXIT_FAILED,
                      "these CPUs are dedicated to others, or nobody else could run; see tarn "
                      "vcpu-list");
    return error ? report(EXIT_FAILED, "%s: %s", d->name, strerror(error)) : EXIT_GOOD;
}

int command_vcpu_pin(int argc, char **argv)
{
    struct tarn_info info;
    uint64_t cpus = UINT64_MAX;
    unsigned long first = 0, last;
    char *end = NULL;

    if (argc != 4)
        return report(EXIT_USAGE, "usage: tarn vcpu-pin DOMAIN VCPU|all CPUS|all|dedicated");
    bool dedicated = strcmp(argv[3], "dedicated") == 0;
    if (!dedicated && !config_parse_cpus(argv[3], &cpus))
        return report(EXIT_USAGE,
                      "'%s' are no CPUs; use numbers and ranges like 0-2,5, or all, or dedicated",
                      argv[3]);
    int code = find_domain(argv[1], &info);
    if (code)
        return code;
    last = info.vcpus - 1;
    if (strcmp(argv[2], "all") != 0) {
        first = last = strtoul(argv[2], &end, 10);
        if (end == argv[2] || *end || first >= info.vcpus)
            return report(EXIT_USAGE, "%s has no vCPU %s; use 0 to %u, or all", info.name, argv[2],
                          info.vcpus - 1);
    }
    for (unsigned long i = first; !code && i <= last; i++)
        code = pin(&info, (unsigned)i, cpus, dedicated);
    return code;
}
