/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn create, check, autostart, supervise.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guests/dom0/cli/build.h"
#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/region.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/supervise.h"
#include "guests/dom0/cli/systemd.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define LOCK_SECONDS 5

/* Hands the built domain to its supervisor, who starts it. The lock is given back for that. */
static int hand_over(const struct config *config, int fd, int lock)
{
    char error[4096];

    run_ask_error(config->name);
    run_unlock(config->name, lock);
    bool good = systemd_is_here() ? systemd_unit("start", config->name)
                                  : supervise_in_background(config->name);
    run_take_error(config->name, error, sizeof(error));
    if (good) {
        close(fd);
        return EXIT_GOOD;
    }
    if (systemd_is_here())
        systemd_unit("stop", config->name);
    hyper_destroy(fd);
    close(fd);
    lock = run_lock(config->name, LOCK_SECONDS);
    if (lock >= 0) {
        run_remove(config->name);
        run_unlock(config->name, lock);
    }
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

static int create_locked(const struct config *config, const struct sources *sources, int lock)
{
    int fd;
    int code = domain_build(config, sources, &fd);
    bool kept = !code && keep_config(config);

    regions_release();
    if (kept)
        return hand_over(config, fd, lock);
    if (!code) {
        code = report(EXIT_FAILED, "%s: cannot be written: %s; make room there",
                      run_path(config->name, "").text, strerror(errno));
        hyper_destroy(fd);
        run_remove(config->name);
        close(fd);
    }
    run_unlock(config->name, lock);
    return code;
}

static int create_checked(const struct config *config, const struct sources *sources)
{
    struct tarn_info info;

    if (!hyper_open())
        return EXIT_FAILED;
    /* One that is just over is still being cleared away. */
    int lock = run_lock(config->name, hyper_find(config->name, &info) == 0 ? 0 : LOCK_SECONDS);
    if (lock >= 0)
        return create_locked(config, sources, lock);
    if (errno != EBUSY)
        return report(EXIT_FAILED, "%s: cannot be locked: %s; make room there",
                      run_path("lock", config->name).text, strerror(errno));
    config_error(config, stderr, config->line_name, "name",
                 "a domain %s exists; destroy it first, or change name=", config->name);
    return EXIT_FAILED;
}

/* As tarn create does; autostart passes over a domain that is there already. */
static int create(const char *file, bool attach, bool autostart)
{
    struct config config;
    struct sources sources;
    struct tarn_info info;
    int code = EXIT_CONFIG;

    bool good = config_read(&config, file, stderr);
    if (good && autostart && hyper_open() && hyper_find(config.name, &info) == 0)
        code = EXIT_GOOD;
    else if (good && machine_check(&config, &sources, stderr)) {
        code = create_checked(&config, &sources);
        machine_close(&sources);
        if (!code && attach)
            code = console_attach(config.name);
    }
    config_free(&config);
    return code;
}

int command_create(int argc, char **argv)
{
    bool attach = argc == 3 && strcmp(argv[1], "-c") == 0;

    if (argc != 2 + attach || argv[1 + attach][0] == '-')
        return report(EXIT_USAGE, "usage: tarn create [-c] FILE");
    return create(argv[1 + attach], attach, false);
}

int command_check(int argc, char **argv)
{
    struct config config;
    struct sources sources;

    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn check FILE");
    bool good = config_read(&config, argv[1], stderr) && machine_check(&config, &sources, stderr);
    if (good) {
        printf("%s: good\n", argv[1]);
        machine_close(&sources);
    }
    config_free(&config);
    return good ? EXIT_GOOD : EXIT_CONFIG;
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
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int one = create(found.gl_pathv[i], false, true);
        code = code ? code : one;
    }
    globfree(&found);
    return code;
}

int command_supervise(int argc, char **argv)
{
    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn supervise NAME");
    return supervise(argv[1]);
}
