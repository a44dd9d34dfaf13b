/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn: control of domains from dom0. See tarn(1).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/common/report.h"

static int command_help(int argc, char **argv);

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *help; /* help NULL: not for people */
} commands[] = {
    {"create", command_create, "[-c | --json] FILE",
     "make a domain of a configuration and start it"},
    {"check", command_check, "[--json] FILE",
     "say whether a configuration is good, and could start"},
    {"list", command_list, "[--all] [--json]", "domains and what they do"},
    {"info", command_info, "[--json] [DOMAIN]", "one domain, or the machine"},
    {"stats", command_stats, "[--json] [DOMAIN]", "counters of vCPUs; of DOMAIN, exits by reason"},
    {"top", command_top, "[-d SECONDS] [-n COUNT] [--json]", "what domains do, again and again"},
    {"dmesg", command_dmesg, "[-f | --json | --level=LEVEL]", "Tarn's own log, or its level"},
    {"trace", command_trace, "record [-o FILE] [-t SECONDS] [-- COMMAND]",
     "what all CPUs do, for ui.perfetto.dev"},
    {"console", command_console, "DOMAIN", "attach to a domain's console; Ctrl-] leaves"},
    {"shutdown", command_shutdown, "[--wait[=SECONDS]] DOMAIN", "press a domain's power button"},
    {"reboot", command_reboot, "[--force] [--wait[=SECONDS]] DOMAIN", "make a domain begin anew"},
    {"destroy", command_destroy, "DOMAIN", "end a domain at once"},
    {"pause", command_pause, "DOMAIN", "stop a domain's vCPUs"},
    {"unpause", command_unpause, "DOMAIN", "let them go on"},
    {"attach-disk", command_attach_disk, "DOMAIN DRIVE FILE", "put a disk into an empty drive"},
    {"detach-disk", command_detach_disk, "DOMAIN DRIVE", "take it out again"},
    {"sched", command_sched, "[--json] [DOMAIN [weight=N] [cap=N]]",
     "parts of the CPUs; cap: percent of one, 0 for none"},
    {"vcpu-list", command_vcpu_list, "[--json] [DOMAIN]", "where vCPUs run and may run"},
    {"vcpu-pin", command_vcpu_pin, "DOMAIN VCPU|all CPUS|all|dedicated",
     "say where they may run: CPUS is like 0-2,5"},
    {"autostart", command_autostart, "[FOLDER]", "create all of /etc/tarn/auto/*.conf"},
    {"adopt", command_adopt, "[DOMAIN]", "look after domains that run without dom0's doing"},
    {"fdt", command_fdt, "[--gic=2|3] FILE", "write a device tree to start the domain at boot"},
    {"help", command_help, "[COMMAND]", "this list, or one line of it"},
    {"supervise", command_supervise, "NAME", NULL},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What people look for who know other hypervisors' commands. */
static const struct {
    const char *theirs, *ours;
} others[] = {
    {"start", "create"},
    {"dominfo", "info"},
    {"ls", "list"},
    {"resume", "unpause"},
    {"suspend", "pause"},
    {"reset", "reboot --force"},
    {"block-attach", "attach-disk"},
    {"block-detach", "detach-disk"},
    {"vcpupin", "vcpu-pin"},
    {"vcpuinfo", "vcpu-list"},
    {"schedinfo", "sched"},
    {"sched-credit2", "sched"},
};

static int unknown(const char *name)
{
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(name, others[i].theirs) == 0)
            return report(EXIT_USAGE, "there is no command '%s'; use tarn %s", name,
                          others[i].ours);
    return report(EXIT_USAGE, "there is no command '%s'; see tarn help", name);
}

static int help_on(const char *name)
{
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (!commands[i].help || strcmp(name, commands[i].name) != 0)
            continue;
        printf("usage: tarn %s %s\n  %s; more: man tarn\n", name, commands[i].arguments,
               commands[i].help);
        return EXIT_GOOD;
    }
    return unknown(name);
}

static int command_help(int argc, char **argv)
{
    if (argc == 2)
        return help_on(argv[1]);
    if (argc > 2)
        return report(EXIT_USAGE, "usage: tarn help [COMMAND]");
    printf("usage: tarn COMMAND ...     DOMAIN: a name or an id\n");
    for (unsigned i = 0; i < COMMANDS; i++)
        if (commands[i].help)
            printf("  %-11s %-36s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    printf("See man tarn, man tarn.conf.\n");
    return EXIT_GOOD;
}

static bool asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        command_help(0, NULL);
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1]))
        return command_help(0, NULL);
    if (argc == 3 && asks_for_help(argv[2]))
        return help_on(argv[1]);
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}

/* What was not written was not said. */
int main(int argc, char **argv)
{
    int code = run(argc, argv);

    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return report(code ? code : EXIT_FAILED, "the output cannot be written: %s", strerror(errno));
}
