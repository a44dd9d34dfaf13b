/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn list, tarn info.
 */
#include <stdio.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/details.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/json.h"
#include "guests/dom0/cli/machine.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* The state as people see it: one that runs may have been asked to stop. */
static const char *state_word(const struct tarn_info *d)
{
    if (d->state == TARN_STATE_RUNNING && run_asked(d->name).text[0])
        return "shutting down";
    return hyper_state_name(d->state);
}

/* The object is left open. Names hold no character that JSON would have to escape
 * (config_name_is_good; dom0). */
static void print_json(const struct tarn_info *d)
{
    struct run_words last = {""}, died = {""};
    unsigned restarts = d->id ? run_count(d->name, RUN_RESTARTS, &last) : 0;
    unsigned deaths = d->id ? run_count(d->name, RUN_BACKEND, &died) : 0;

    printf("{\"id\": %u, \"name\": \"%s\", \"state\": \"%s\", \"reason\": \"%s\"", d->id, d->name,
           state_word(d), hyper_reason_name(d->reason));
    json_member(stdout, "reason_text", hyper_reason_words(d).text);
    printf(", \"vcpus\": %u, \"memory\": %llu, \"cpu_ns\": %llu, \"backend\": %s, \"restarts\": %u",
           d->vcpus, (unsigned long long)d->memory, (unsigned long long)d->cpu_ns,
           d->backend ? "true" : "false", restarts);
    json_member(stdout, "last_restart", last.text);
    printf(", \"backend_deaths\": %u", deaths);
    json_member(stdout, "last_backend_death", died.text);
}

static void print_row(const struct tarn_info *d)
{
    printf("%4u  %-31s  %-13s  %5u  %6lluM  %9.1fs  %s\n", d->id, d->name, state_word(d), d->vcpus,
           (unsigned long long)d->memory >> 20, seconds(d->cpu_ns), hyper_reason_words(d).text);
}

static void print_details(const struct tarn_info *d)
{
    struct hyper_words reason = hyper_reason_words(d);
    struct run_words last, died;
    unsigned restarts = d->id ? run_count(d->name, RUN_RESTARTS, &last) : 0;
    unsigned deaths = d->id ? run_count(d->name, RUN_BACKEND, &died) : 0;

    printf("name      %s\nid        %u\nstate     %s%s%s%s\nvcpus     %u\nmemory    %lluM\n"
           "cpu time  %.3fs\nbackend   %s\n",
           d->name, d->id, state_word(d), *reason.text ? " (" : "", reason.text,
           *reason.text ? ")" : "", d->vcpus, (unsigned long long)d->memory >> 20,
           seconds(d->cpu_ns), d->backend ? "attached" : "none");
    if (restarts)
        printf("restarts  %u, the last one %s\n", restarts, last.text);
    if (deaths)
        printf("backend deaths %u, the last one %s\n", deaths, died.text);
    details_print(d);
}

static unsigned listed;
static bool list_json;

/* A row of one that is no more; its name may have a new bearer, who is listed already. */
static void print_ended(const char *name, const char *how)
{
    struct tarn_info info;

    if (hyper_find(name, &info) == 0)
        return;
    if (list_json) {
        printf("%s{\"id\": null, \"name\": \"%s\", \"state\": \"dead\"", listed++ ? ",\n " : "",
               name);
        json_member(stdout, "reason_text", how);
        putchar('}');
    } else
        printf("   -  %-31s  %-13s  %5s  %7s  %10s  %s\n", name, "dead", "-", "-", "-", how);
}

int command_list(int argc, char **argv)
{
    bool all = take_option(&argc, argv, "--all") || take_option(&argc, argv, "-a");
    struct tarn_info info;

    list_json = take_option(&argc, argv, "--json");
    if (argc != 1)
        return report(EXIT_USAGE, "usage: tarn list [--all] [--json]");
    if (!hyper_open())
        return EXIT_FAILED;
    if (list_json)
        putchar('[');
    else
        puts("  ID  NAME                             STATE          VCPUS   MEMORY    CPU TIME  "
             "WHY");
    for (uint32_t id = 0; hyper_info(id, &info) == 0; id = info.id + 1) {
        if (!list_json) {
            print_row(&info);
            continue;
        }
        fputs(listed++ ? ",\n " : "", stdout);
        print_json(&info);
        putchar('}');
    }
    if (all)
        run_each_ended(print_ended);
    fputs(list_json ? "]\n" : "", stdout);
    return EXIT_GOOD;
}

static int machine_info(bool json)
{
    struct tarn_machine_info m;
    int error = hyper_machine(&m);

    if (error)
        return report(EXIT_FAILED, "%s", strerror(error));
    if (json)
        printf("{\"cpus\": %llu, \"gic_version\": %u, \"pool_total\": %llu, \"pool_free\": %llu, "
               "\"heap_total\": %llu, "
               "\"heap_free\": %llu, \"log_level\": \"%s\"}\n",
               (unsigned long long)m.cpus, machine_gic_version(), (unsigned long long)m.pool_total,
               (unsigned long long)m.pool_free, (unsigned long long)m.heap_total,
               (unsigned long long)m.heap_free, dmesg_level());
    else
        printf("CPUs              %llu\nGIC version       %u\nmemory of domains %lluM, free %lluM\n"
               "memory of Tarn    %lluK, free %lluK\nlog level         %s\n",
               (unsigned long long)m.cpus, machine_gic_version(),
               (unsigned long long)m.pool_total >> 20, (unsigned long long)m.pool_free >> 20,
               (unsigned long long)m.heap_total >> 10, (unsigned long long)m.heap_free >> 10,
               dmesg_level());
    return EXIT_GOOD;
}

int command_info(int argc, char **argv)
{
    bool json = take_option(&argc, argv, "--json");
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
        details_json(&info);
        puts("}");
    } else {
        print_details(&info);
    }
    return EXIT_GOOD;
}
