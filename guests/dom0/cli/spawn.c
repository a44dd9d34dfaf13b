/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a backend. Everything is opened close-on-exec; the child keeps what it is told of.
 */
#include "guests/dom0/cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/backend/state.h"
#include "guests/dom0/cli/disk.h"
#include "guests/dom0/cli/kept.h"
#include "guests/dom0/cli/region.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/cli/storage.h"
#include "guests/dom0/cli/tap.h"
#include "guests/dom0/common/devices.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

#define BACKEND       "/usr/libexec/tarn/tarn-backend"
#define VHOST_NET     "/dev/vhost-net"
#define VHOST_VSOCK   "/dev/vhost-vsock"
#define READY_SECONDS 60
/* User ids that no distribution and no systemd gives out; one a domain, so that they are strangers.
 */
#define UID_BASE      1879048192u
#define MAX_ARGUMENTS (MAX_SLOTS + CONFIG_MAX_PORTS + 16)

/* The command line being put together, and descriptors to close once the child has them. */
struct launch {
    char *argument[MAX_ARGUMENTS + 1];
    unsigned arguments;
    int kept[2 * MAX_SLOTS + 2 * CONFIG_MAX_PAIRS * CONFIG_MAX_NETWORKS + 2 * CONFIG_MAX_PORTS + 8];
    unsigned keep;
    unsigned own; /* of these, the first `own` stay open in the supervisor */
    unsigned patience;
};

static int listen_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    unlink(path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        chmod(path, 0600) == 0 && listen(fd, 8) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool listen_at_ports(struct backend_fds *fds, const struct config *c)
{
    bool good = true;

    for (unsigned i = 0; i < c->ports; i++) {
        fds->port[i] = listen_at(run_port(c->name, c->port[i].name).text, SOCK_STREAM);
        good = good && fds->port[i] >= 0;
    }
    return good;
}

int backend_fds_open(struct backend_fds *fds, const struct config *config)
{
    const char *name = config->name;

    fds->console = listen_at(run_path(name, "console").text, SOCK_STREAM);
    fds->control = listen_at(run_path(name, "control").text, SOCK_SEQPACKET);
    fds->state = open(run_path(name, "state").text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool good = listen_at_ports(fds, config);
    if (!good || fds->console < 0 || fds->control < 0 || fds->state < 0 ||
        ftruncate(fds->state, sizeof(struct backend_state)) != 0)
        return report(EXIT_FAILED, "%s: %s", run_path(name, "").text, strerror(errno));
    return EXIT_GOOD;
}

int backend_state_clear(const struct backend_fds *fds, const char *name)
{
    if (ftruncate(fds->state, 0) == 0 && ftruncate(fds->state, sizeof(struct backend_state)) == 0)
        return EXIT_GOOD;
    return report(EXIT_FAILED, "%s: %s", run_path(name, "state").text, strerror(errno));
}

static void add(struct launch *launch, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (launch->arguments == MAX_ARGUMENTS ||
        vasprintf(&launch->argument[launch->arguments++], format, args) < 0)
        abort();
    va_end(args);
}

static int keep(struct launch *launch, int fd)
{
    launch->kept[launch->keep++] = fd;
    return fd;
}

/* What is in a drive that the configuration leaves empty, or "". */
static const char *medium_of(const struct config *c, unsigned number)
{
    static char path[PATH_MAX];

    run_read(drive_medium(c->name, number).text, path, sizeof(path));
    return path;
}

/* A raw disk with O_DIRECT. Returns -1 with errno set: 0 for one that is elsewhere. */
static int open_disk(const struct config *c, unsigned number, unsigned patience)
{
    const struct config_disk *disk = &c->disk[number];

    if (disk->remote) {
        errno = kept_has_disk(c, disk) ? EBUSY : 0;
        return -1;
    }
    if (disk->path[0])
        return disk_open(disk->path, disk->readonly, strcmp(disk->type, "raw") == 0, patience);
    const char *path = medium_of(c, number);
    int fd = path[0] ? disk_open(path, disk->readonly, true, patience) : -1;
    if (path[0] && fd < 0)
        report(0, "%s: disk \"%s\": %s: %s; the drive is empty", c->name, disk->title, path,
               strerror(errno));
    return fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* Leaves a disk that is not raw, open if it is a file, to a daemon. Returns the connection to it,
 * or -1. */
static int serve_elsewhere(const struct config *c, unsigned id, const struct slot *slot, int fd,
                           unsigned patience)
{
    struct storage storage = {
        .domain = c->name,
        .disk = &c->disk[slot->number],
        .fd = fd,
        .queues = slot->queues,
        .patience = patience,
        .uid = UID_BASE + TARN_MAX_DOMAINS + id,
    };
    int connection = storage_start(&storage);

    if (fd >= 0)
        close(fd);
    return connection;
}

static bool add_disk(struct launch *launch, const struct config *c, unsigned id, unsigned index,
                     const struct slot *slot)
{
    const struct config_disk *disk = &c->disk[slot->number];
    int fd = open_disk(c, slot->number, launch->patience);

    if (fd < 0 && errno) {
        config_error(c, stderr, disk->line, "path", "disk \"%s\": %s: %s", disk->title, disk->path,
                     errno == EBUSY
                         ? "another domain uses it; give each its own, or readonly = true"
                         : strerror(errno));
        return false;
    }
    bool raw = strcmp(disk->type, "raw") == 0;
    if (!raw)
        fd = serve_elsewhere(c, id, slot, fd, launch->patience);
    if (fd < 0)
        return false;
    char serial[21]; /* the title, as far as it is plain */
    snprintf(serial, sizeof(serial), "%.20s", disk->title);
    for (char *at = serial; *at; at++)
        if (*at <= ' ' || *at > '~')
            *at = '_';
    add(launch, "--device=%u:%s:%d:%s:%u:%s", index, raw ? "disk" : "proxy", keep(launch, fd),
        disk->readonly ? "ro" : "rw", slot->queues, serial[0] ? serial : "disk");
    return true;
}

/* A queue of the tap, or -1 after an error. */
static int add_tap(struct launch *launch, const struct config *c, unsigned id, unsigned number)
{
    const struct config_network *network = &c->network[number];
    char name[16];

    snprintf(name, sizeof(name), "tarn%u.%u", id, number);
    int fd = tap_open(name, network->bridge, network->queues > 1);
    if (fd >= 0)
        return keep(launch, fd);
    config_error(c, stderr, network->line, "bridge", "network \"%s\": cannot join %s: %s",
                 network->title, network->bridge, strerror(errno));
    return -1;
}

static int add_vhost(struct launch *launch, const struct config *c,
                     const struct config_network *network)
{
    int fd = open(VHOST_NET, O_RDWR | O_CLOEXEC);

    if (fd >= 0)
        return keep(launch, fd);
    config_error(c, stderr, network->line, "backend",
                 "network \"%s\": %s: %s; load vhost_net or set backend = \"user\"", network->title,
                 VHOST_NET, strerror(errno));
    return -1;
}

static bool add_network(struct launch *launch, const struct config *c, unsigned id, unsigned index,
                        unsigned number)
{
    const struct config_network *network = &c->network[number];
    const uint8_t *mac = network->mac;
    char pairs[CONFIG_MAX_PAIRS * 24] = "";
    int tap = -1;

    for (unsigned i = 0; i < network->queues; i++) {
        tap = add_tap(launch, c, id, number);
        int vhost = tap >= 0 && network->vhost ? add_vhost(launch, c, network) : -1;
        if (tap < 0 || (network->vhost && vhost < 0))
            return false;
        if (network->vhost)
            sprintf(pairs + strlen(pairs), ":%d,%d", tap, vhost);
    }
    add(launch, "--device=%u:net:%d:%02x:%02x:%02x:%02x:%02x:%02x%s", index, tap, mac[0], mac[1],
        mac[2], mac[3], mac[4], mac[5], pairs);
    return true;
}

static bool add_vsock(struct launch *launch, const struct config *c, unsigned index)
{
    int fd = open(VHOST_VSOCK, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        config_error(c, stderr, c->line_cid, "cid", "%s: %s; load vhost_vsock", VHOST_VSOCK,
                     strerror(errno));
        return false;
    }
    add(launch, "--device=%u:vsock:%d:%u", index, keep(launch, fd), c->cid);
    return true;
}

static bool add_share(struct launch *launch, const struct config *c, unsigned index,
                      unsigned number)
{
    int fd = storage_share(c->name, &c->share[number]);

    if (fd >= 0)
        add(launch, "--device=%u:share:%d:%s", index, keep(launch, fd), c->share[number].tag);
    return fd >= 0;
}

/* The one of a region is connected to the other domain's, if that is there; else it will come. */
static void add_ports(struct launch *launch, const struct config *c, const struct backend_fds *fds)
{
    for (unsigned i = 0; i < c->ports; i++) {
        bool wins = false;
        int fd = c->port[i].memory ? region_connect(c, i, &wins) : -1;
        if (fd >= 0)
            keep(launch, fd);
        add(launch, "--port=%d:%d:%d:%s", fds->port[i], fd, wins, c->port[i].name);
    }
}

static bool add_devices(struct launch *launch, const struct config *c, unsigned id)
{
    struct slot slot[MAX_SLOTS];
    unsigned count = devices_of(c, slot);
    bool good = true;

    for (unsigned i = 0; i < count && good; i++) {
        switch (slot[i].kind) {
        case SLOT_CONSOLE:
            add(launch, "--device=%u:console", i);
            break;
        case SLOT_ENTROPY:
            add(launch, "--device=%u:entropy", i);
            break;
        case SLOT_INPUT:
            add(launch, "--device=%u:input", i);
            break;
        case SLOT_WATCHDOG:
            add(launch, "--watchdog=%u", i);
            break;
        case SLOT_DISK:
            good = add_disk(launch, c, id, i, &slot[i]);
            break;
        case SLOT_NETWORK:
            good = add_network(launch, c, id, i, slot[i].number);
            break;
        case SLOT_PORTS:
            add(launch, "--device=%u:ports", i);
            break;
        case SLOT_VSOCK:
            good = add_vsock(launch, c, i);
            break;
        case SLOT_SHARE:
            good = add_share(launch, c, i, slot[i].number);
            break;
        }
    }
    return good;
}

/*
 * The file that a log goes to when it is full, for a log that is a regular file; else -1. Its name
 * is not one that the configuration gives: no link is followed.
 */
static int open_old_log(const struct config *c, int log)
{
    char path[PATH_MAX];
    struct stat st;

    if (fstat(log, &st) != 0 || !S_ISREG(st.st_mode))
        return -1;
    snprintf(path, sizeof(path), "%s.1", c->console_log);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1)
        return fd;
    report(0, "%s: its console's log grows without bound: %s: %s", c->name, path,
           fd < 0 ? strerror(errno) : "is no plain file");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool add_log(struct launch *launch, const struct config *c)
{
    if (!c->console_log)
        return true;
    struct stat st;
    /* What is no file must neither block the domain nor, as a pipe, have us as its reader. */
    bool file = stat(c->console_log, &st) != 0 || S_ISREG(st.st_mode);
    int fd = open(
        c->console_log,
        (file ? O_RDWR : O_WRONLY | O_NONBLOCK) | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0) {
        config_error(c, stderr, c->line_log, "log", "%s: %s; give a file that can be written",
                     c->console_log, strerror(errno));
        return false;
    }
    int old = open_old_log(c, fd);
    add(launch, "--log=%d:%d", keep(launch, fd), old);
    if (old >= 0)
        keep(launch, old);
    return true;
}

/* In the child: nothing but the kept descriptors, nobody's rights, and its supervisor's lifetime.
 */
static void become_backend(struct launch *launch, unsigned id, pid_t supervisor)
{
    uid_t uid = UID_BASE + id;
    sigset_t none;

    for (unsigned i = 0; i < launch->keep; i++)
        fcntl(launch->kept[i], F_SETFD, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    bool good = geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
                                   setresuid(uid, uid, uid) == 0);
    good = good && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == supervisor;
    if (good)
        execv(BACKEND, launch->argument);
    report(0, "cannot start %s: %s", BACKEND, strerror(errno));
    _exit(127);
}

/* True once the backend has written its byte; false if it ended or took too long. */
static bool wait_ready(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    char byte;
    int status;

    do {
        status = poll(&pollfd, 1, READY_SECONDS * 1000);
    } while (status < 0 && errno == EINTR);
    return status == 1 && read(fd, &byte, 1) == 1;
}

static int start(struct launch *launch, const struct config *config, unsigned id, pid_t *pid)
{
    int ready[2];
    pid_t supervisor = getpid();

    if (pipe2(ready, O_CLOEXEC) != 0)
        return report(EXIT_FAILED, "%s: %s", config->name, strerror(errno));
    add(launch, "--ready=%d", keep(launch, ready[1]));
    *pid = fork();
    if (*pid == 0)
        become_backend(launch, id, supervisor);
    close(launch->kept[--launch->keep]);
    bool good = *pid > 0 && wait_ready(ready[0]);
    close(ready[0]);
    return good ? EXIT_GOOD
                : report(EXIT_FAILED, "%s: its backend does not start; see journalctl -u tarn@%s",
                         config->name, config->name);
}

int backend_spawn(const struct config *config, unsigned id, const struct backend_fds *fds,
                  unsigned patience, pid_t *pid)
{
    struct launch launch = {.patience = patience};
    int domain;
    int error = hyper_attach(config->name, true, &domain);

    *pid = -1;
    if (error)
        return report(EXIT_FAILED, "%s: cannot attach to it: %s", config->name, strerror(error));
    add(&launch, "%s", BACKEND);
    add(&launch, "--name=%s", config->name);
    add(&launch, "--memory=%llu", (unsigned long long)config->memory);
    add(&launch, "--state=%d", keep(&launch, fds->state));
    add(&launch, "--terminal=%d", keep(&launch, fds->console));
    add(&launch, "--control=%d", keep(&launch, fds->control));
    for (unsigned i = 0; i < config->ports; i++)
        keep(&launch, fds->port[i]);
    launch.own = launch.keep;
    add_ports(&launch, config, fds);
    add(&launch, "--domain=%d", keep(&launch, domain));
    int code =
        add_devices(&launch, config, id) && add_log(&launch, config) ? EXIT_GOOD : EXIT_FAILED;
    if (!code)
        code = start(&launch, config, id, pid);
    for (unsigned i = launch.own; i < launch.keep; i++)
        close(launch.kept[i]);
    for (unsigned i = 0; i < launch.arguments; i++)
        free(launch.argument[i]);
    return code;
}
