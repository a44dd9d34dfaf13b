/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn dmesg: what Tarn itself logged since boot, as far as its ring holds it, and how much it
 * logs.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/json.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define SAME_LEVEL UINT32_MAX

static const char *const levels[] = {"error", "warn", "info", "guest", "debug"};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* The line being put together, and how many were printed. */
static char line[512];
static size_t length;
static unsigned printed;

/* "<level>[seconds] text"; the first of all may lack its beginning, and is left out then. */
static void print_line(bool json)
{
    unsigned level;
    double seconds;
    int text = 0;

    line[length] = '\0';
    length = 0;
    if (sscanf(line, "<%u>[%lf] %n", &level, &seconds, &text) != 2 || text == 0 || level >= LEVELS)
        return;
    if (!json) {
        printf("[%12.6f] %s%s%s\n", seconds, level == 2 ? "" : levels[level],
               level == 2 ? "" : ": ", &line[text]);
        return;
    }
    printf("%s{\"level\": \"%s\", \"seconds\": %.6f, \"text\": ", printed++ ? ",\n " : "",
           levels[level], seconds);
    json_string(stdout, &line[text]);
    putchar('}');
}

/* Prints what there is from *position on; moves it behind that. */
static int print_log(uint64_t *position, bool json)
{
    for (;;) {
        struct tarn_log log = {.position = *position, .level = SAME_LEVEL};
        int error = hyper_log(&log);
        if (error)
            return report(EXIT_FAILED, "Tarn's log cannot be read: %s", strerror(error));
        if (log.count == 0)
            return EXIT_GOOD;
        if (log.position != *position)
            length = 0; /* overwritten meanwhile: not the rest of the line that we hold */
        for (uint32_t i = 0; i < log.count; i++) {
            if (log.data[i] == '\n')
                print_line(json);
            else if (length < sizeof(line) - 1)
                line[length++] = (char)log.data[i];
        }
        *position = log.position + log.count;
    }
}

static int set_level(const char *name)
{
    struct tarn_log log = {.position = UINT64_MAX};

    while (log.level < LEVELS && strcmp(levels[log.level], name) != 0)
        log.level++;
    if (log.level == LEVELS)
        return report(EXIT_USAGE, "there is no level '%s'; error, warn, info, guest, debug", name);
    int error = hyper_log(&log);
    return error ? report(EXIT_FAILED, "%s", strerror(error)) : EXIT_GOOD;
}

const char *dmesg_level(void)
{
    struct tarn_log log = {.position = UINT64_MAX, .level = SAME_LEVEL};

    return hyper_log(&log) == 0 && log.level < LEVELS ? levels[log.level] : "unknown";
}

int command_dmesg(int argc, char **argv)
{
    bool follow = take_option(&argc, argv, "-f") || take_option(&argc, argv, "--follow");
    bool json = take_option(&argc, argv, "--json");
    static const struct timespec moment = {.tv_nsec = 500000000};
    uint64_t position = 0;

    bool level = argc == 2 && strncmp(argv[1], "--level=", 8) == 0 && !follow && !json;
    if ((argc != 1 && !level) || (follow && json))
        return report(EXIT_USAGE, "usage: tarn dmesg [-f | --json | --level=LEVEL]");
    if (!hyper_open())
        return EXIT_FAILED;
    if (level)
        return set_level(argv[1] + 8);
    if (json)
        putchar('[');
    int code = print_log(&position, json);
    while (!code && follow && fflush(stdout) == 0) {
        nanosleep(&moment, NULL);
        code = print_log(&position, false);
    }
    fputs(json ? "]\n" : "", stdout);
    return code;
}
