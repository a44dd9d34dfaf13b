/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's loop: (re)build, serve, see how it ended.
 */
#include "guests/dom0/cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
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
#include "guests/dom0/cli/interrupt.h"
#include "guests/dom0/cli/region.h"
#include "guests/dom0/cli/restart.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/spawn.h"
#include "guests/dom0/cli/storage.h"
#include "guests/dom0/cli/systemd.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define LOCK_SECONDS        20
#define PREDECESSOR_SECONDS 20 /* for the I/O of a former life or backend to end */
#define SHUTDOWN_SECONDS    60 /* a guest's time to shut down after SIGTERM */
#define BACKEND_SECONDS     10 /* a backend's time to end after SIGTERM */
#define LIVES               10 /* backends in a row that may die ... */
#define YOUNG_SECONDS       1  /* ... this soon after they began */
#define MOST_PAUSE          8  /* seconds before the next try, when one did not begin */

struct domain {
    const char *name;
    char source[4096]; /* the file that people wrote: config is of a copy */
    struct config config;
    int fd; /* control descriptor */
    struct tarn_info info;
    struct backend_fds fds;
    pid_t backend;
    struct hyper_words death; /* of the last one, once it has ended */
    double backend_began;
    unsigned died_young;  /* backends in a row */
    double began;         /* this life */
    unsigned delay;       /* waited before it, seconds */
    struct run_words how; /* its end */
    int ready_fd;         /* gets a byte when it runs, or -1 */
    bool told_ready;
    bool lived; /* it ran: a domain that never did is forgotten */
};

/* What to do next. */
enum next { NEXT_SERVE, NEXT_REBUILD, NEXT_KEEP, NEXT_LEAVE, NEXT_END };

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

/* Those that the supervisor waits for, blocked at all other times. */
static sigset_t all_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    return set;
}

/*
 * Waits for a signal of the set, up to `seconds` (0: for ever). Returns it, or 0. A SIGCHLD that is
 * not the backend's end is passed over.
 */
static int wait_for(struct domain *d, const sigset_t *set, unsigned seconds)
{
    struct timespec limit = {.tv_sec = seconds};

    for (;;) {
        int signal = seconds ? sigtimedwait(set, NULL, &limit) : sigwaitinfo(set, NULL);
        int status;
        if (signal < 0 && errno == EINTR)
            continue;
        if (signal != SIGCHLD)
            return signal < 0 ? 0 : signal;
        if (d->backend > 0 && waitpid(d->backend, &status, WNOHANG) == d->backend) {
            d->death = hyper_death_words(status);
            d->backend = -1;
            return SIGCHLD;
        }
    }
}

static int wait_signal(struct domain *d, unsigned seconds)
{
    sigset_t set = all_signals();

    return wait_for(d, &set, seconds);
}

/* What else is asked for meanwhile is heard afterwards. */
static void stop_backend(struct domain *d)
{
    sigset_t its_end;

    if (d->backend <= 0)
        return;
    sigemptyset(&its_end);
    sigaddset(&its_end, SIGCHLD);
    kill(d->backend, SIGTERM);
    if (wait_for(d, &its_end, BACKEND_SECONDS) == SIGCHLD)
        return;
    kill(d->backend, SIGKILL);
    waitpid(d->backend, NULL, 0);
    d->backend = -1;
}

/* The guest is over for us: nothing of it stays. */
static int finish(struct domain *d)
{
    if (d->lived) /* first: who misses it asks how it ended */
        run_note_end(d->name, d->how.text);
    int error = hyper_destroy(d->fd);

    close(d->fd);
    printf("domain %s: %s\n", d->name, d->how.text);
    if (error && error != ENODEV) /* the next supervisor tries again */
        return report(EXIT_FAILED, "%s: cannot be destroyed: %s", d->name, strerror(error));
    if (d->lived && strcmp(run_boot(d->name).text, RUN_ONCE) != 0)
        run_keep_config(d->name);
    run_remove(d->name);
    return EXIT_GOOD;
}

static int build(struct domain *d)
{
    struct sources sources;

    if (!machine_check(&d->config, &sources, stderr))
        return EXIT_CONFIG;
    int code = backend_state_clear(&d->fds, d->name);
    if (!code)
        code = domain_build(&d->config, &sources, &d->fd);
    regions_release();
    machine_close(&sources);
    return code;
}

static double monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

__attribute__((format(printf, 2, 3))) static void say_how(struct domain *d, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(d->how.text, sizeof(d->how.text), format, args);
    va_end(args);
}

/* Started. One that has ended before is told of to those who wait for it. */
static void new_life(struct domain *d)
{
    struct run_words last;

    d->began = monotonic();
    d->lived = true;
    if (d->how.text[0])
        run_note_count(d->name, RUN_RESTARTS, run_count(d->name, RUN_RESTARTS, &last) + 1,
                       d->how.text);
    systemd_notify("STATUS=running");
}

/* A disk that is busy may be so by a former backend of this domain, if it had one. */
static unsigned patience(const struct domain *d)
{
    return d->lived ? PREDECESSOR_SECONDS : 0;
}

static void tell_ready(struct domain *d)
{
    if (d->told_ready)
        return;
    d->told_ready = true;
    systemd_notify("READY=1\nSTATUS=running");
    if (d->ready_fd >= 0 && write(d->ready_fd, "r", 1) == 1)
        close(d->ready_fd);
}

static int serve(struct domain *d)
{
    int error = hyper_state(d->fd, &d->info);

    if (error)
        d->info.state = TARN_STATE_DYING;
    int code = error ? report(EXIT_FAILED, "%s: %s", d->name, strerror(error))
                     : backend_spawn(&d->config, d->info.id, &d->fds, patience(d), &d->backend);

    if (code)
        return code;
    d->backend_began = monotonic();
    if (d->info.state == TARN_STATE_CREATED && ioctl(d->fd, TARN_START) != 0)
        return report(EXIT_FAILED, "%s: does not start: %s", d->name, strerror(errno));
    if (d->info.state == TARN_STATE_CREATED)
        new_life(d);
    tell_ready(d);
    return EXIT_GOOD;
}

/* The backend has ended while its domain runs: noted for who asks, and in the journal. */
static enum next judge_backend(struct domain *d)
{
    const char *why = d->death.text;
    struct run_words last;

    run_note_count(d->name, RUN_BACKEND, run_count(d->name, RUN_BACKEND, &last) + 1, why);
    if (monotonic() - d->backend_began >= YOUNG_SECONDS)
        d->died_young = 0;
    else if (++d->died_young >= LIVES && run_boot(d->name).text[0]) {
        printf("domain %s: its backend dies again and again: %s; tarn adopt %s tries anew\n",
               d->name, why, d->name);
        return NEXT_LEAVE; /* it does not live by its backend */
    } else if (d->died_young >= LIVES) {
        say_how(d, "destroyed: its backend dies again and again: %s", why);
        return NEXT_END;
    }
    printf("domain %s: its backend died: %s; the next one goes on\n", d->name, why);
    return NEXT_SERVE;
}

/* The domain stopped by itself: what its configuration or its owner wants then. */
static enum next judge_end(struct domain *d)
{
    static const enum next next[] = {
        [ACTION_RESTART] = NEXT_REBUILD,
        [ACTION_DESTROY] = NEXT_END,
        [ACTION_PRESERVE] = NEXT_KEEP,
    };
    bool asked = strcmp(run_asked(d->name).text, "reboot") == 0;

    bool once = strcmp(run_boot(d->name).text, RUN_ONCE) == 0;
    say_how(d, "%s%s", hyper_reason_words(&d->info).text,
            once ? "; it begins anew with the machine" : "");
    return next[restart_action(&d->config, &d->info, asked)];
}

/* The backend has ended: why, and what now? */
static enum next judge(struct domain *d)
{
    say_how(d, "destroyed");
    if (hyper_state(d->fd, &d->info) != 0 || d->info.state == TARN_STATE_DYING)
        return NEXT_END;
    if (d->info.state == TARN_STATE_CRASHED || d->info.state == TARN_STATE_SHUTDOWN)
        return judge_end(d);
    return judge_backend(d);
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

/* The owner wants no more of it, or wants it to begin anew at once. */
static enum next obey(struct domain *d, int signal)
{
    if (signal == SIGUSR1) {
        stop_backend(d);
        say_how(d, "rebooted by force");
        run_ask(d->name, "reboot");
        return NEXT_REBUILD;
    }
    if (signal == SIGTERM && systemd_restarts(d->name)) {
        stop_backend(d);
        return NEXT_LEAVE;
    }
    if (signal == SIGTERM)
        shut_down(d);
    if (d->backend > 0 || judge(d) != NEXT_END)
        say_how(d, "destroyed");
    stop_backend(d);
    return NEXT_END;
}

/*
 * The backend did not start. For a domain that runs already that is a death like any other, but
 * what it wants (a bridge, a disk) may be back soon: LIVES tries take about a minute.
 */
static enum next judge_start(struct domain *d, int *code)
{
    stop_backend(d);
    if (d->info.state == TARN_STATE_CREATED) {
        say_how(d, "destroyed: its backend does not start");
        return NEXT_END;
    }
    *code = EXIT_GOOD;
    d->backend_began = monotonic();
    snprintf(d->death.text, sizeof(d->death.text), "it did not start");
    enum next next = judge(d);
    if (next != NEXT_SERVE)
        return next;
    int signal = wait_signal(d, d->died_young < 4 ? 1u << (d->died_young - 1) : MOST_PAUSE);
    return signal ? obey(d, signal) : NEXT_SERVE;
}

/* Serves until something happens. */
static enum next run(struct domain *d, int *code)
{
    *code = serve(d);
    if (*code)
        return judge_start(d, code);
    int signal;
    do {
        signal = wait_signal(d, 0);
    } while (signal == 0);
    return signal == SIGCHLD ? judge(d) : obey(d, signal);
}

/* It stopped, and stays to be looked at until its owner has seen enough. */
static enum next keep(struct domain *d)
{
    printf("domain %s: %s; kept until tarn destroy or tarn reboot\n", d->name, d->how.text);
    systemd_notify("STATUS=stopped, kept to be looked at");
    return wait_signal(d, 0) == SIGUSR1 ? NEXT_REBUILD : NEXT_END;
}

/* Between two lives: the domain stays as it ended while it waits. False: it was told to end. */
static bool wait_for_next_life(struct domain *d)
{
    bool crashed = d->info.state == TARN_STATE_CRASHED;

    if (run_asked(d->name).text[0])
        d->delay = 0;
    else
        d->delay = restart_delay(d->delay, monotonic() - d->began, crashed);
    if (d->delay == 0)
        return true;
    printf("domain %s: %s; begins anew in %u s\n", d->name, d->how.text, d->delay);
    systemd_notify("STATUS=stopped, waits before it begins anew");
    int signal = wait_signal(d, d->delay);
    return signal == 0 || signal == SIGUSR1;
}

static int rebuild(struct domain *d)
{
    run_mark_building(d->name, true);
    (void)regions_hold(&d->config); /* tried again when they are joined */
    int error = hyper_destroy(d->fd);

    if (error)
        return report(EXIT_FAILED, "%s: cannot be destroyed to begin anew: %s", d->name,
                      strerror(error));
    close(d->fd);
    printf("domain %s: %s; begins anew\n", d->name, d->how.text);
    run_ask(d->name, "");
    run_mark_boot(d->name, "");
    int code = build(d);
    if (code) {
        run_note_end(d->name, "could not be made again to reboot");
        run_keep_config(d->name);
        run_remove(d->name);
    }
    run_mark_building(d->name, false);
    return code;
}

static int loop(struct domain *d)
{
    for (;;) {
        int code = EXIT_GOOD;
        enum next next = run(d, &code);
        storage_end();
        if (next == NEXT_LEAVE) {
            printf("domain %s: goes on; its next supervisor takes over\n", d->name);
            close(d->fd);
            return EXIT_GOOD;
        }
        if (next == NEXT_KEEP)
            next = keep(d);
        if (next == NEXT_REBUILD && !wait_for_next_life(d))
            next = NEXT_END;
        if (next == NEXT_END) {
            int ended = finish(d);
            return code ? code : ended;
        }
        if (next == NEXT_REBUILD && (code = rebuild(d)) != EXIT_GOOD)
            return code;
    }
}

static void block_signals(void)
{
    sigset_t set = all_signals();

    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void write_pid(const char *name)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    run_write(run_path(name, "pid").text, text, (size_t)size);
}

/*
 * Everything that a domain of that name needs to be looked after. One that has ended is made again:
 * its unit was started (or restarted) by systemctl.
 */
static int take_over(struct domain *d)
{
    struct run_path file = run_path(d->name, "config");
    int error = hyper_attach(d->name, false, &d->fd);

    bool building = run_is_building(d->name);
    if (!error && building) { /* our predecessor died over it */
        error = hyper_destroy(d->fd);
        close(d->fd);
        if (error && error != ENODEV)
            return report(EXIT_FAILED, "%s: cannot be destroyed to begin anew: %s", d->name,
                          strerror(error));
        error = ENOENT;
    }
    bool anew = error == ENOENT && (access(file.text, F_OK) == 0 || run_restore_config(d->name));
    bool known = (!error || anew) && config_read(&d->config, file.text, stderr);
    if (!known) { /* nobody makes it now */
        run_mark_building(d->name, false);
        return report(!error || error == ENOENT ? EXIT_CONFIG : EXIT_FAILED,
                      "%s: %s; start it by tarn create FILE", d->name,
                      error && !anew ? strerror(error) : "its configuration cannot be used");
    }
    run_read(run_path(d->name, "source").text, d->source, sizeof(d->source));
    if (d->source[0])
        d->config.file = d->source;
    int code = backend_fds_open(&d->fds, &d->config);
    if (!code && anew)
        code = build(d);
    if (!code)
        write_pid(d->name);
    else if (building)
        run_keep_config(d->name);
    if (code && anew)
        run_remove(d->name);
    run_mark_building(d->name, false);
    d->began = monotonic();
    d->lived =
        building ||
        (!anew && (hyper_state(d->fd, &d->info) != 0 || d->info.state != TARN_STATE_CREATED));
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
        return report(EXIT_FAILED, "%s: %s", name,
                      errno == EBUSY ? "somebody else looks after it" : strerror(errno));
    block_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    int code = take_over(&d);
    if (!code && run_boot(name).text[0])
        tell_ready(&d); /* it runs, whether its backend starts or not: nobody is to give it up */
    if (!code)
        code = loop(&d);
    if (code)
        run_note_error(name, last_report());
    config_free(&d.config);
    run_unlock(name, lock);
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
        int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int out = open(run_path(name, "log").text, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        setsid();
        if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
            _exit(supervise_and_tell(name, ready[1]));
        _exit(EXIT_FAILED);
    }
    close(ready[1]);
    bool good = pid > 0 && read(ready[0], &byte, 1) == 1 && !interrupted();
    close(ready[0]);
    if (pid > 0 && !good) {
        kill(pid, SIGINT);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    return good;
}
