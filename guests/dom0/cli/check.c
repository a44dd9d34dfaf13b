/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn check: the file, what it names, and what is in its domain's way now.
 */
#include "guests/dom0/cli/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/json.h"
#include "guests/dom0/cli/machine.h"
#include "guests/dom0/cli/obstacles.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/common/report.h"

const char *check_name(const struct config *config)
{
    return config->name && config_name_is_good(config->name) ? config->name : "";
}

void check_json(const char *file, bool good, const char *name)
{
    fputs("{\"file\": ", stdout);
    json_string(stdout, file);
    printf(", \"good\": %s", good ? "true" : "false");
    json_member(stdout, "name", *name ? name : NULL);
    if (good)
        return;
    char *first = strndup(all_reports(), strcspn(all_reports(), "\n"));
    json_member(stdout, "error", first);
    free(first);
    fputs(", \"errors\": ", stdout);
    json_lines(stdout, all_reports());
}

/* A line for each obstacle, to be freed; NULL: the file is not good, which was reported. */
static char *check(const char *file, struct config *config)
{
    struct sources sources;
    char *obstacles = NULL;
    size_t size;

    if (!config_read(config, file, stderr) || !machine_check(config, &sources, stderr))
        return NULL;
    machine_close(&sources);
    FILE *found = open_memstream(&obstacles, &size);
    if (found) {
        obstacles_find(config, found);
        fclose(found);
    }
    return obstacles;
}

static void print_text(const char *file, const char *obstacles)
{
    printf("%s: good", file);
    for (const char *at = obstacles; *at; at += strcspn(at, "\n") + 1)
        printf("%s%.*s", at == obstacles ? ", but would not start now: " : "; ",
               (int)strcspn(at, "\n"), at);
    putchar('\n');
}

int command_check(int argc, char **argv)
{
    bool json = take_option(&argc, argv, "--json");
    struct config config;

    if (argc != 2 || argv[1][0] == '-')
        return report(EXIT_USAGE, "usage: tarn check [--json] FILE");
    char *obstacles = check(argv[1], &config);
    if (json) {
        check_json(argv[1], obstacles, check_name(&config));
        if (obstacles) {
            printf(", \"startable\": %s, \"obstacles\": ", *obstacles ? "false" : "true");
            json_lines(stdout, obstacles);
        }
        puts("}");
    } else if (obstacles) {
        print_text(argv[1], obstacles);
    }
    int code = obstacles ? EXIT_GOOD : EXIT_CONFIG;
    free(obstacles);
    config_free(&config);
    return code;
}
