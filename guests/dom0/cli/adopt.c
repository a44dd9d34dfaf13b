/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn adopt: supervisors for domains that run without one, as those do that Tarn has started
 * itself; tarn fdt: the device tree that these are started with. See docs/boot-domains.md.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests/dom0/cli/build.h"
#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/fdt.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/machine.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/supervise.h"
#include "guests/dom0/cli/systemd.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/report.h"

#define BOOT_FOLDER "/etc/tarn/boot"

/* What can be known of a domain without a configuration. Its kernel is no file: it ends for good.
 */
static bool write_config(const struct tarn_info *info)
{
    char text[512];
    int size =
        snprintf(text, sizeof(text),
                 "# Started by Tarn with the machine.\nname = \"%s\"\nkernel = \"boot module\"\n"
                 "memory = \"%lluM\"\nvcpus = %u\non_reboot = \"destroy\"\n"
                 "on_crash = \"destroy\"\n",
                 info->name, (unsigned long long)info->memory >> 20, info->vcpus);

    return run_write(run_path(info->name, "config").text, text, (size_t)size) &&
           run_mark_boot(info->name, RUN_ONCE);
}

/* Tarn starts domains without regions: it does not know who else has one. */
static bool has_regions(const struct config *config)
{
    for (unsigned i = 0; i < config->ports; i++)
        if (config->port[i].memory) {
            config_error(config, stderr, config->port[i].line, "region",
                         "a domain that Tarn starts with the machine has none; leave \"%s\" out",
                         config->port[i].name);
            return true;
        }
    return false;
}

/* True if a configuration describes the domain that runs. Says what it does not. */
static bool fits(const struct config *config, const struct tarn_info *info)
{
    const char *differs = strcmp(config->name, info->name) != 0 ? "name"
                          : config->memory != info->memory      ? "memory"
                          : config->vcpus != info->vcpus        ? "vcpus"
                                                                : NULL;

    if (differs)
        report(0, "%s: not used: its %s is not that of the domain %s that runs", config->file,
               differs, info->name);
    return differs == NULL;
}

/* The folder that its supervisor finds. Lock held. */
static int make_folder(const struct tarn_info *info)
{
    struct config config = {0};
    char file[96];

    if (access(run_path(info->name, "config").text, F_OK) == 0)
        return EXIT_GOOD; /* its supervisor died */
    snprintf(file, sizeof(file), "%s/%s.conf", BOOT_FOLDER, info->name);
    bool known = access(file, F_OK) == 0 && config_read(&config, file, stderr) &&
                 !has_regions(&config) && fits(&config, info);
    bool good = run_make(info->name);
    if (good && known)
        good = run_copy(file, run_path(info->name, "config").text) &&
               run_write(run_path(info->name, "source").text, file, strlen(file)) &&
               run_mark_boot(info->name, RUN_AGAIN);
    else if (good)
        good = write_config(info);
    int error = errno;
    if (good && known)
        (void)domain_schedule(&config, info->id); /* as it is, then; said why */
    config_free(&config);
    if (good)
        return EXIT_GOOD;
    int code = report(EXIT_FAILED, "%s: cannot be written: %s; make room there",
                      run_path(info->name, "").text, strerror(error));
    run_remove(info->name);
    return code;
}

/* Whatever goes wrong, the domain runs on. */
static int adopt(const struct tarn_info *info)
{
    char error[256];

    if (!config_name_is_good(info->name))
        return report(EXIT_FAILED,
                      "'%s' is no name that dom0 can use; start it with one of letters, digits, "
                      "'_', '.', '-', a letter first",
                      info->name);
    int lock = run_lock(info->name, 0);
    if (lock < 0 && errno == EBUSY)
        return EXIT_GOOD; /* it is looked after */
    if (lock < 0)
        return report(EXIT_FAILED, "%s: cannot be locked: %s; make room there",
                      run_path("lock", info->name).text, strerror(errno));
    int code = info->state == TARN_STATE_CREATED
                   ? report(EXIT_FAILED,
                            "%s was never started; tarn dmesg may say why, and tarn "
                            "destroy %s removes it",
                            info->name, info->name)
                   : make_folder(info);
    if (!code)
        run_ask_error(info->name);
    run_unlock(info->name, lock);
    if (code)
        return code;
    bool good =
        systemd_is_here() ? systemd_unit("start", info->name) : supervise_in_background(info->name);
    run_take_error(info->name, error, sizeof(error));
    return good ? EXIT_GOOD
                : report(EXIT_FAILED, "%s: %s", info->name,
                         error[0] ? error
                                  : "its supervisor does not start; see journalctl -u 'tarn@*'");
}

int command_adopt(int argc, char **argv)
{
    struct tarn_info info;
    int code = EXIT_GOOD;

    if (argc > 2)
        return report(EXIT_USAGE, "usage: tarn adopt [DOMAIN]");
    if (argc == 2) {
        code = find_domain(argv[1], &info);
        return code           ? code
               : info.id == 0 ? report(EXIT_USAGE, "dom0 looks after itself")
                              : adopt(&info);
    }
    if (!hyper_open())
        return EXIT_FAILED;
    for (uint32_t id = 1; hyper_info(id, &info) == 0; id = info.id + 1) {
        int one = info.state == TARN_STATE_DYING ? EXIT_GOOD : adopt(&info);
        code = code ? code : one;
    }
    return code;
}

int command_fdt(int argc, char **argv)
{
    static char tree[FDT_ROOM];
    struct config config;
    unsigned gic = 0;

    if (argc == 3 && (strcmp(argv[1], "--gic=2") == 0 || strcmp(argv[1], "--gic=3") == 0))
        gic = (unsigned)(argv[1][6] - '0');
    if (argc != 2 + (gic != 0) || isatty(STDOUT_FILENO))
        return report(EXIT_USAGE, "usage: tarn fdt [--gic=2|3] FILE >TREE");
    if (gic == 0 && (gic = machine_gic_version()) == 0)
        return report(EXIT_FAILED, "this is no dom0 of Tarn: say which interrupt controller the "
                                   "machine has, --gic=2 or --gic=3");
    bool good = config_read(&config, argv[argc - 1], stderr) && !has_regions(&config);
    int error = good ? fdt_make(tree, sizeof(tree), &config, NULL, gic, NULL) : 0;
    config_free(&config);
    if (!good)
        return EXIT_CONFIG;
    if (error)
        return report(EXIT_FAILED, "the device tree cannot be written: %s", fdt_strerror(error));
    size_t size = fdt_totalsize(tree);
    if (fwrite(tree, 1, size, stdout) != size || fflush(stdout) != 0)
        return report(EXIT_FAILED, "the device tree cannot be written: %s", strerror(errno));
    return EXIT_GOOD;
}
