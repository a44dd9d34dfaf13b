/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn list, tarn info.
 */
#include <stdio.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/machine.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* Names hold no character that JSON would have to escape (config_name_is_good; dom0). */
static void print_json(const struct tarn_info *d)
{
    printf("{\"id\": %u, \"name\": \"%s\", \"state\": \"%s\", \"reason\": \"%s\", \"vcpus\": %u, "
           "\"memory\": %llu, \"cpu_ns\": %llu, \"backend\": %s}",
           d->id, d->name, hyper_state_name(d->state), hyper_reason_name(d->reason), d->vcpus,
           (unsigned long long)d->memory, (unsigned long long)d->cpu_ns,
           d->backend ? "true" : "false");
}

static void print_row(const struct tarn_info *d)
{
    printf("%4u  %-31s  %-8s  %5u  %6lluM  %9.1fs\n", d->id, d->name, hyper_state_name(d->state),
           d->vcpus, (unsigned long long)d->memory >> 20, seconds(d->cpu_ns));
}

static void print_details(const struct tarn_info *d)
{
    const char *reason = hyper_reason_name(d->reason);

    printf("name     %s\nid       %u\nstate    %s%s%s%s\nvcpus    %u\nmemory   %lluM\n"
           "cpu time %.3fs\nbackend  %s\n",
           d->name, d->id, hyper_state_name(d->state), *reason ? " (" : "", reason,
           *reason ? ")" : "", d->vcpus, (unsigned long long)d->memory >> 20, seconds(d->cpu_ns),
           d->backend ? "attached" : "none");
}

/* Takes "--json" off the arguments. */
static bool take_json(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
            --*argc;
            return true;
        }
    }
    return false;
}

int command_list(int argc, char **argv)
{
    bool json = take_json(&argc, argv);
    struct tarn_info info;
    unsigned count = 0;

    if (argc != 1)
        return report(EXIT_USAGE, "usage: tarn list [--json]");
    if (!hyper_open())
        return EXIT_FAILED;
    fputs(json ? "["
               : "  ID  NAME                             STATE     VCPUS   MEMORY   CPU TIME\n",
          stdout);
    for (uint32_t id = 0; hyper_info(id, &info) == 0; id = info.id + 1, count++) {
        if (!json) {
            print_row(&info);
            continue;
        }
        fputs(count ? ",\n " : "", stdout);
        print_json(&info);
    }
    fputs(json ? "]\n" : "", stdout);
    return EXIT_GOOD;
}

static int machine_info(bool json)
{
    struct tarn_machine_info m;
    int error = hyper_machine(&m);

    if (error)
        return report(EXIT_FAILED, "%s", strerror(error));
    if (json)
        printf("{\"cpus\": %llu, \"pool_total\": %llu, \"pool_free\": %llu, \"heap_total\": %llu, "
               "\"heap_free\": %llu}\n",
               (unsigned long long)m.cpus, (unsigned long long)m.pool_total,
               (unsigned long long)m.pool_free, (unsigned long long)m.heap_total,
               (unsigned long long)m.heap_free);
    else
        printf("CPUs              %llu\nGIC version       %u\nmemory of domains %lluM, free %lluM\n"
               "memory of Tarn    %lluK, free %lluK\n",
               (unsigned long long)m.cpus, machine_gic_version(),
               (unsigned long long)m.pool_total >> 20, (unsigned long long)m.pool_free >> 20,
               (unsigned long long)m.heap_total >> 10, (unsigned long long)m.heap_free >> 10);
    return EXIT_GOOD;
}

int command_info(int argc, char **argv)
{
    bool json = take_json(&argc, argv);
    struct tarn_info info;

    if (argc > 2)
        return report(EXIT_USAGE, "usage: tarn info [--json] [DOMAIN]");
    if (!hyper_open())
        return EXIT_FAILED;
    if (argc == 1)
        return machine_info(json);
    int code = find_domain(argv[1], &info);
    if (code)
        return code;
    if (json) {
        print_json(&info);
        putchar('\n');
    } else {
        print_details(&info);
    }
    return EXIT_GOOD;
}
