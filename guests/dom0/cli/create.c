/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn create, autostart, supervise.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guests/dom0/cli/build.h"
#include "guests/dom0/cli/check.h"
#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/interrupt.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/region.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/supervise.h"
#include "guests/dom0/cli/systemd.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define LOCK_SECONDS 5

/* Ends what was begun, whoever looks after it by now. */
static void take_back(const struct config *config, int fd)
{
    if (systemd_is_here() && interrupted())
        systemd_unit("kill", config->name); /* at once: stop would ask the guest first */
    if (systemd_is_here())
        systemd_unit("stop", config->name);
    hyper_destroy(fd);
    close(fd);
    int lock = run_lock(config->name, LOCK_SECONDS);
    if (lock >= 0) {
        run_remove(config->name);
        run_unlock(config->name, lock);
    }
}

/* Hands the built domain to its supervisor, who starts it. The lock is given back for that. */
static int hand_over(const struct config *config, int fd, int lock)
{
    char error[4096];

    run_ask_error(config->name);
    run_unlock(config->name, lock);
    bool good = systemd_is_here() ? systemd_unit("start", config->name)
                                  : supervise_in_background(config->name);
    if (good && !interrupted()) {
        run_take_error(config->name, error, sizeof(error));
        close(fd);
        return EXIT_GOOD;
    }
    take_back(config, fd);
    run_take_error(config->name, error, sizeof(error));
    if (interrupted())
        return EXIT_FAILED;
    if (!error[0])
        return report(EXIT_FAILED, "%s: its supervisor does not start; see journalctl -u tarn@%s",
                      config->name, config->name);
    report_line(stderr, error); /* as it stands in the journal */
    return EXIT_FAILED;
}

/*
 * What the supervisor needs to go on, and to make the domain again when it reboots; and what its
 * errors shall call the file.
 */
static bool keep_config(const struct config *config)
{
    return run_make(config->name) &&
           run_copy(config->file, run_path(config->name, "config").text) &&
           run_write(run_path(config->name, "source").text, config->file, strlen(config->file));
}

static int create_locked(const struct config *config, const struct sources *sources, int lock,
                         bool *built)
{
    int fd;
    int code = domain_build(config, sources, &fd);
    bool kept = !code && !interrupted() && keep_config(config);

    *built = fd >= 0;
    regions_release();
    if (kept)
        return hand_over(config, fd, lock);
    if (!code && !interrupted())
        code = report(EXIT_FAILED, "%s: cannot be written: %s; make room there",
                      run_path(config->name, "").text, strerror(errno));
    if (fd >= 0) {
        hyper_destroy(fd);
        run_remove(config->name);
        close(fd);
    }
    run_unlock(config->name, lock);
    return code ? code : EXIT_FAILED;
}

static int create_checked(const struct config *config, const struct sources *sources, bool *built)
{
    struct tarn_info info;

    if (!hyper_open())
        return EXIT_FAILED;
    /* One that is just over is still being cleared away. */
    int lock = run_lock(config->name, hyper_find(config->name, &info) == 0 ? 0 : LOCK_SECONDS);
    if (lock >= 0)
        return create_locked(config, sources, lock, built);
    if (errno != EBUSY)
        return report(EXIT_FAILED, "%s: cannot be locked: %s; make room there",
                      run_path("lock", config->name).text, strerror(errno));
    config_error(config, stderr, config->line_name, "name",
                 "a domain %s exists; destroy it first, or change name=", config->name);
    return EXIT_FAILED;
}

/* What became of a file. */
struct outcome {
    char name[TARN_NAME_SIZE]; /* "" if it has none */
    uint32_t id;
};

/* A signal ends it before the domain has been handed over, or not at all. */
static int create_or_not(const struct config *config, const struct sources *sources,
                         struct outcome *outcome)
{
    struct tarn_info info = {.id = 0};
    bool built = false;
    int code = interrupted() ? EXIT_FAILED : create_checked(config, sources, &built);

    if (code && interrupted()) {
        bool left = built && hyper_find(config->name, &info) == 0;
        return report(EXIT_SIGNAL + interrupted(),
                      left ? "%s: interrupted, and not all of it is gone; use tarn destroy"
                           : "%s: interrupted; nothing is left of it",
                      config->name);
    }
    if (!code)
        hyper_find(config->name, &info);
    outcome->id = info.id;
    return code;
}

/* Autostart passes over a domain that is there already. */
static int create(const char *file, bool autostart, struct outcome *outcome)
{
    struct config config;
    struct sources sources;
    struct tarn_info info;
    int code = EXIT_CONFIG;

    bool good = config_read(&config, file, stderr);
    snprintf(outcome->name, sizeof(outcome->name), "%s", check_name(&config));
    if (good && autostart && hyper_open() && hyper_find(config.name, &info) == 0)
        code = EXIT_GOOD;
    else if (good && machine_check(&config, &sources, stderr)) {
        code = create_or_not(&config, &sources, outcome);
        machine_close(&sources);
    }
    config_free(&config);
    return code;
}

int command_create(int argc, char **argv)
{
    bool json = take_option(&argc, argv, "--json");
    bool attach = take_option(&argc, argv, "-c");
    struct outcome outcome = {.id = 0};

    if (argc != 2 || argv[1][0] == '-' || (json && attach))
        return report(EXIT_USAGE, "usage: tarn create [-c | --json] FILE");
    interrupt_watch();
    int code = create(argv[1], false, &outcome);
    interrupt_unwatch();
    if (json) {
        check_json(argv[1], !code, outcome.name);
        if (!code)
            printf(", \"id\": %u", outcome.id);
        puts("}");
    }
    return !code && attach ? console_attach(outcome.name) : code;
}

int command_autostart(int argc, char **argv)
{
    char pattern[256];
    glob_t found;
    int code = EXIT_GOOD;

    if (argc > 2)
        return report(EXIT_USAGE, "usage: tarn autostart [FOLDER]");
    snprintf(pattern, sizeof(pattern), "%s/*.conf", argc == 2 ? argv[1] : "/etc/tarn/auto");
    if (glob(pattern, 0, NULL, &found) != 0)
        return EXIT_GOOD;
    interrupt_watch();
    for (size_t i = 0; i < found.gl_pathc && !interrupted(); i++) {
        struct outcome outcome = {.id = 0};
        int one = create(found.gl_pathv[i], true, &outcome);
        code = code ? code : one;
    }
    globfree(&found);
    if (interrupted())
        return report(EXIT_SIGNAL + interrupted(), "interrupted; those made before are kept");
    return code;
}

int command_supervise(int argc, char **argv)
{
    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn supervise NAME");
    return supervise(argv[1]);
}
