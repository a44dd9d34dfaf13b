/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn shutdown, reboot, destroy, pause, unpause.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/options.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/supervise.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/report.h"

#define DESTROY_SECONDS  60
#define SHUTDOWN_SECONDS 120 /* of --wait without a number */
#define MOST_SECONDS     1000000

/* The domain of the one argument; not dom0, whom none of these commands may touch. */
static int find_guest(const char *argument, struct tarn_info *info)
{
    int code = find_domain(argument, info);

    if (!code && info->id == 0)
        return report(EXIT_USAGE, "dom0 is this machine's own: use systemctl");
    return code;
}

/*
 * A descriptor of the supervisor's process, or -1 if it has none. The number may be of one that
 * died and be another process's by now: that one has another program.
 */
static int supervisor_of(const char *name)
{
    char text[16], path[48], program[16];

    run_read(run_path(name, "pid").text, text, sizeof(text));
    int pid = atoi(text);
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    run_read(path, program, sizeof(program));
    if (pidfd < 0 || strcmp(program, "tarn") == 0)
        return pidfd;
    close(pidfd);
    return -1;
}

static void tell_supervisor(int pidfd, int signal)
{
    syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* Waits for a process to end. Returns false if that took longer. */
static bool wait_end(int pidfd, unsigned seconds)
{
    struct pollfd pollfd = {.fd = pidfd, .events = POLLIN};
    int status;

    do {
        status = poll(&pollfd, 1, (int)seconds * 1000);
    } while (status < 0 && errno == EINTR);
    return status == 1;
}

/* Nobody looks after the domain: it is cleared away from here. Lock held. */
static int destroy_orphan(const char *name)
{
    int fd;
    int error = hyper_attach(name, false, &fd);

    if (!error) {
        error = hyper_destroy(fd);
        close(fd);
    }
    if (error && error != ENOENT && error != ENODEV)
        return report(EXIT_FAILED, "%s: cannot be destroyed: %s; try again", name, strerror(error));
    if (!config_name_is_good(name))
        return EXIT_GOOD; /* Tarn started it: nothing in /run/tarn is of it */
    run_note_end(name, "destroyed");
    run_keep_config(name);
    run_remove(name);
    return EXIT_GOOD;
}

int command_destroy(int argc, char **argv)
{
    struct tarn_info info, still;

    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn destroy DOMAIN");
    int code = find_guest(argv[1], &info);
    if (code)
        return code;
    int lock = run_lock(info.name, 0);
    if (lock >= 0) {
        code = destroy_orphan(info.name);
        run_unlock(info.name, lock);
        return code;
    }
    int pidfd = supervisor_of(info.name);
    if (pidfd < 0)
        return report(EXIT_FAILED, "%s is being created; try again", info.name);
    tell_supervisor(pidfd, SIGINT);
    bool ended = wait_end(pidfd, DESTROY_SECONDS);
    close(pidfd);
    if (!ended)
        return report(EXIT_TIMEOUT, "%s is not gone after %d seconds; see journalctl -u tarn@%s",
                      info.name, DESTROY_SECONDS, info.name);
    if (hyper_find(info.name, &still) == 0 && still.id == info.id)
        return report(EXIT_FAILED, "%s is still there; see journalctl -u tarn@%s", info.name,
                      info.name);
    return EXIT_GOOD;
}

/*
 * Takes "--wait" or "--wait=SECONDS" from the arguments, wherever it stands: how long, or 0 if it
 * is not there. Returns false if there is something wrong with it.
 */
static bool take_wait(int *argc, char **argv, unsigned *seconds)
{
    *seconds = 0;
    for (int i = 1; i < *argc; i++) {
        char *end = argv[i] + 6;
        if (strncmp(argv[i], "--wait", 6) != 0)
            continue;
        long given = *end == '=' && end[1] ? strtol(end + 1, &end, 10) : SHUTDOWN_SECONDS;
        if (*end || given < 1 || given > MOST_SECONDS)
            return false;
        *seconds = (unsigned)given;
        take_option(argc, argv, argv[i]);
        return true;
    }
    return true;
}

int command_shutdown(int argc, char **argv)
{
    struct tarn_info info;
    char why[128];
    unsigned seconds;

    if (!take_wait(&argc, argv, &seconds) || argc != 2)
        return report(EXIT_USAGE, "usage: tarn shutdown [--wait[=SECONDS]] DOMAIN");
    int code = find_guest(argv[1], &info);
    if (code)
        return code;
    if (info.state == TARN_STATE_PAUSED)
        return report(EXIT_FAILED, "%s is paused and cannot hear of it; unpause it first",
                      info.name);
    int pidfd = supervisor_of(info.name);
    run_ask(info.name, "shutdown");
    bool once = strcmp(run_boot(info.name).text, RUN_ONCE) == 0;
    if (once || press_power(info.name, why, sizeof(why)) != 0) {
        run_ask(info.name, "");
        code = once ? report(EXIT_FAILED,
                             "%s has no power button, for it started with the machine; shut it "
                             "down from its console, or use tarn destroy",
                             info.name)
                    : report(EXIT_FAILED, "%s: %s; try again in a moment, or use tarn destroy",
                             info.name, why);
    } else if (seconds && (pidfd < 0 || !wait_end(pidfd, seconds))) {
        code = report(EXIT_TIMEOUT, "%s still runs after %u seconds; use tarn destroy", info.name,
                      seconds);
    }
    if (pidfd >= 0)
        close(pidfd);
    return code;
}

/* Waits until the domain has begun anew more than `before` times. */
static bool wait_restart(const char *name, unsigned before, unsigned seconds)
{
    static const struct timespec moment = {.tv_nsec = 100000000};
    struct run_words how;

    for (unsigned tries = 0; tries < 10 * seconds; tries++) {
        if (run_count(name, RUN_RESTARTS, &how) > before)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

/* Asks the guest to shut down; the supervisor knows then that it is to begin anew. */
static int ask_to_reboot(const char *name)
{
    char why[128];

    run_ask(name, "reboot");
    if (press_power(name, why, sizeof(why)) == 0)
        return EXIT_GOOD;
    run_ask(name, "");
    return report(EXIT_FAILED, "%s: %s; try again in a moment, or use tarn reboot --force", name,
                  why);
}

int command_reboot(int argc, char **argv)
{
    bool force = take_option(&argc, argv, "--force");
    unsigned seconds;
    struct tarn_info info;
    struct run_words how;

    if (!take_wait(&argc, argv, &seconds) || argc != 2)
        return report(EXIT_USAGE, "usage: tarn reboot [--force] [--wait[=SECONDS]] DOMAIN");
    int code = find_guest(argv[1], &info);
    if (code)
        return code;
    if (info.state == TARN_STATE_PAUSED && !force)
        return report(EXIT_FAILED, "%s is paused and cannot hear of it; unpause it, or use --force",
                      info.name);
    int pidfd = supervisor_of(info.name);
    if (pidfd < 0)
        return report(EXIT_FAILED, "%s has no supervisor; tarn adopt %s", info.name, info.name);
    if (strcmp(run_boot(info.name).text, RUN_ONCE) == 0) {
        close(pidfd);
        return report(EXIT_FAILED,
                      "%s was started with the machine, and dom0 has no configuration of it: it "
                      "begins anew with the machine alone; see /etc/tarn/boot in tarn(1)",
                      info.name);
    }
    unsigned before = run_count(info.name, RUN_RESTARTS, &how);
    if (info.state == TARN_STATE_RUNNING && !force)
        code = ask_to_reboot(info.name);
    else
        tell_supervisor(pidfd, SIGUSR1);
    close(pidfd);
    if (!code && seconds && !wait_restart(info.name, before, seconds))
        return report(EXIT_TIMEOUT, "%s did not reboot within %u seconds; use --force", info.name,
                      seconds);
    return code;
}

static int pause_or_not(int argc, char **argv, unsigned long request)
{
    struct tarn_info info;
    int fd;

    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn %s DOMAIN", argv[0]);
    int code = find_guest(argv[1], &info);
    if (code)
        return code;
    int error = hyper_attach(info.name, false, &fd);
    if (!error) {
        while ((error = ioctl(fd, request) == 0 ? 0 : errno) == EINTR)
            continue;
        close(fd);
    }
    if (error == EBUSY)
        return report(EXIT_FAILED, "%s is %s", info.name, hyper_state_name(info.state));
    return error ? report(EXIT_FAILED, "%s: %s", info.name, strerror(error)) : EXIT_GOOD;
}

int command_pause(int argc, char **argv)
{
    return pause_or_not(argc, argv, TARN_PAUSE);
}

int command_unpause(int argc, char **argv)
{
    return pause_or_not(argc, argv, TARN_UNPAUSE);
}
