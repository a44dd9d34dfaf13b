/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's loop: (re)build, serve, see how it ended.
 */
#include "guests/dom0/cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/build.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/spawn.h"
#include "guests/dom0/cli/systemd.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define LOCK_SECONDS     20
#define SHUTDOWN_SECONDS 60 /* a guest's time to shut down after SIGTERM */
#define BACKEND_SECONDS  10 /* a backend's time to end after SIGTERM */
#define LIVES            10 /* backends in a row that may die ... */
#define YOUNG_SECONDS    1  /* ... this soon after they began */

struct domain {
    const char *name;
    struct config config;
    int fd; /* control descriptor */
    struct tarn_info info;
    struct backend_fds fds;
    pid_t backend;
    double backend_began;
    unsigned died_young; /* backends in a row */
    int ready_fd;        /* gets a byte when it runs, or -1 */
    bool told_ready;
};

/* What to do next. */
enum next { NEXT_SERVE, NEXT_REBUILD, NEXT_END };

int press_power(const char *name, char *why, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, run_path(name, "control").text, sizeof(address.sun_path) - 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ssize_t got = -1;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, "power", 5, MSG_NOSIGNAL) == 5)
        got = recv(fd, why, size - 1, 0);
    if (got <= 0)
        snprintf(why, size, "its backend does not answer: %s", strerror(errno));
    else
        why[got] = '\0';
    close(fd);
    return got > 0 && strcmp(why, "ok") == 0 ? 0 : -1;
}

/*
 * Waits for a signal of the set, up to `seconds` (0: for ever). Returns it, or 0. A SIGCHLD that is
 * not the backend's end is passed over.
 */
static int wait_signal(struct domain *d, unsigned seconds)
{
    sigset_t set;
    struct timespec limit = {.tv_sec = seconds};

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    for (;;) {
        int signal = seconds ? sigtimedwait(&set, NULL, &limit) : sigwaitinfo(&set, NULL);
        if (signal < 0 && errno == EINTR)
            continue;
        if (signal != SIGCHLD)
            return signal < 0 ? 0 : signal;
        if (d->backend > 0 && waitpid(d->backend, NULL, WNOHANG) == d->backend) {
            d->backend = -1;
            return SIGCHLD;
        }
    }
}

static void stop_backend(struct domain *d)
{
    if (d->backend <= 0)
        return;
    kill(d->backend, SIGTERM);
    for (;;) {
        int signal = wait_signal(d, BACKEND_SECONDS);
        if (signal == SIGCHLD)
            return;
        if (signal == 0)
            break;
    }
    kill(d->backend, SIGKILL);
    waitpid(d->backend, NULL, 0);
    d->backend = -1;
}

/* The guest is over for us: nothing of it stays. */
static int finish(struct domain *d, const char *how)
{
    int error = hyper_destroy(d->fd);

    close(d->fd);
    printf("domain %s: %s\n", d->name, how);
    run_note_end(d->name, how);
    if (error && error != ENODEV)
        return report(EXIT_FAILED, "%s: cannot be destroyed: %s", d->name, strerror(error));
    run_remove(d->name);
    return EXIT_GOOD;
}

static int build(struct domain *d)
{
    struct sources sources;

    if (!machine_check(&d->config, &sources, stderr))
        return EXIT_CONFIG;
    int code = domain_build(&d->config, &sources, &d->fd);
    machine_close(&sources);
    return code ? code : backend_state_clear(&d->fds, d->name);
}

static double monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int serve(struct domain *d)
{
    int error = hyper_state(d->fd, &d->info);
    int code = error ? report(EXIT_FAILED, "%s: %s", d->name, strerror(error))
                     : backend_spawn(&d->config, d->info.id, &d->fds, &d->backend);

    if (code)
        return code;
    d->backend_began = monotonic();
    if (d->info.state == TARN_STATE_CREATED && ioctl(d->fd, TARN_START) != 0)
        return report(EXIT_FAILED, "%s: does not start: %s", d->name, strerror(errno));
    if (!d->told_ready) {
        d->told_ready = true;
        systemd_notify("READY=1\nSTATUS=running");
        if (d->ready_fd >= 0 && write(d->ready_fd, "r", 1) == 1)
            close(d->ready_fd);
    }
    return EXIT_GOOD;
}

/* The backend has ended: why, and what now? */
static enum next judge(struct domain *d, const char **how)
{
    if (hyper_state(d->fd, &d->info) != 0 || d->info.state == TARN_STATE_DYING) {
        *how = "destroyed";
        return NEXT_END;
    }
    if (d->info.state == TARN_STATE_CRASHED) {
        *how = "crashed: a fault that nobody in it could take";
        return NEXT_END;
    }
    if (d->info.state == TARN_STATE_SHUTDOWN) {
        *how = d->info.reason == TARN_REASON_ALL_OFF ? "all its vCPUs went off" : "powered off";
        return d->info.reason == TARN_REASON_REBOOT ? NEXT_REBUILD : NEXT_END;
    }
    if (monotonic() - d->backend_began >= YOUNG_SECONDS)
        d->died_young = 0;
    else if (++d->died_young >= LIVES) {
        *how = "destroyed: its backend dies again and again";
        return NEXT_END;
    }
    printf("domain %s: its backend died; the next one goes on\n", d->name);
    return NEXT_SERVE;
}

/* SIGTERM: the guest's chance to shut down by itself, unless SIGINT cuts it short. */
static void shut_down(struct domain *d)
{
    char why[128];
    time_t end = time(NULL) + SHUTDOWN_SECONDS;

    ioctl(d->fd, TARN_UNPAUSE); /* a paused guest could not hear of it */
    if (press_power(d->name, why, sizeof(why)) != 0)
        return;
    systemd_notify("STOPPING=1\nSTATUS=the guest is asked to shut down");
    for (time_t now; (now = time(NULL)) < end;) {
        int signal = wait_signal(d, (unsigned)(end - now));
        if (signal == SIGCHLD || signal == SIGINT)
            return;
    }
}

/* Serves until something happens. */
static enum next run(struct domain *d, const char **how, int *code)
{
    *code = serve(d);
    if (*code) {
        stop_backend(d);
        *how = "destroyed: its backend does not start";
        return NEXT_END;
    }
    int signal;
    do {
        signal = wait_signal(d, 0);
    } while (signal == 0);
    if (signal == SIGCHLD)
        return judge(d, how);
    if (signal == SIGTERM)
        shut_down(d);
    if (d->backend > 0 || judge(d, how) != NEXT_END)
        *how = "destroyed";
    stop_backend(d);
    return NEXT_END;
}

static int loop(struct domain *d)
{
    for (;;) {
        const char *how = "";
        int code;
        enum next next = run(d, &how, &code);
        if (next == NEXT_END) {
            int ended = finish(d, how);
            return code ? code : ended;
        }
        if (next == NEXT_REBUILD) {
            printf("domain %s: reboots\n", d->name);
            hyper_destroy(d->fd);
            close(d->fd);
            code = build(d);
            if (code) {
                run_note_end(d->name, "could not be made again to reboot");
                run_remove(d->name);
                return code;
            }
        }
    }
}

static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void write_pid(const char *name)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    run_write(run_path(name, "pid").text, text, (size_t)size);
}

/* Everything that a domain of that name needs to be looked after. */
static int take_over(struct domain *d)
{
    struct run_path file = run_path(d->name, "config");

    if (!config_read(&d->config, file.text, stderr))
        return report(EXIT_CONFIG, "%s: start it by tarn create FILE", d->name);
    int code = backend_fds_open(&d->fds, d->name);
    int error = code ? 0 : hyper_attach(d->name, false, &d->fd);
    if (error)
        code =
            report(EXIT_FAILED, "%s: %s; start it by tarn create FILE", d->name, strerror(error));
    if (!code)
        write_pid(d->name);
    return code;
}

static int supervise_and_tell(const char *name, int ready_fd)
{
    struct domain d = {.name = name, .fd = -1, .backend = -1, .ready_fd = ready_fd};

    if (!config_name_is_good(name))
        return report(EXIT_USAGE, "'%s' is no name of a domain", name);
    if (!hyper_open())
        return EXIT_FAILED;
    int lock = run_lock(name, LOCK_SECONDS);
    if (lock < 0)
        return report(EXIT_FAILED, "%s: somebody else looks after it", name);
    block_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    int code = take_over(&d);
    if (!code)
        code = loop(&d);
    if (code)
        run_note_error(name, last_report());
    config_free(&d.config);
    close(lock);
    return code;
}

int supervise(const char *name)
{
    return supervise_and_tell(name, -1);
}

bool supervise_in_background(const char *name)
{
    int ready[2];
    char byte;

    if (pipe2(ready, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        int in = open("/dev/null", O_RDONLY);
        int out = open(run_path(name, "log").text, O_WRONLY | O_APPEND | O_CREAT, 0600);
        setsid();
        if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
            _exit(supervise_and_tell(name, ready[1]));
        _exit(EXIT_FAILED);
    }
    close(ready[1]);
    bool good = pid > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    return good;
}
