/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's command line says what it is to serve. It takes no image as a descriptor, so what it
 * opens by the image's name is ours (opener.h). Options are carried out in their order, the monitor
 * last: its greeting says that all went well. What comes instead is the daemon's complaint.
 */
#include "guests/dom0/cli/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/opener.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/config_value.h"
#include "guests/dom0/common/report.h"

#define DAEMON            "/usr/bin/qemu-storage-daemon"
#define SHARER            "/usr/lib/qemu/virtiofsd"
#define START_SECONDS     60
#define END_TRIES         500 /* of 10 ms */
#define LINE_SIZE         1024
#define GREETING          "{\"QMP\""
#define RECONNECT_SECONDS 300 /* an NBD server's time to come back; then requests fail */

static pid_t daemons[CONFIG_MAX_DISKS + CONFIG_MAX_SHARES];
static unsigned count;

static bool wait_end(pid_t pid)
{
    static const struct timespec moment = {.tv_nsec = 10000000};

    for (unsigned i = 0; i < END_TRIES; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

void storage_end(void)
{
    for (unsigned i = 0; i < count; i++)
        kill(daemons[i], SIGTERM);
    for (unsigned i = 0; i < count; i++) {
        if (wait_end(daemons[i]))
            continue;
        kill(daemons[i], SIGKILL);
        waitpid(daemons[i], NULL, 0);
    }
    count = 0;
}

/* Reads a line. False: none came. */
static bool read_line(int fd, char line[LINE_SIZE])
{
    size_t size = 0;

    while (size < LINE_SIZE - 1 && recv(fd, &line[size], 1, 0) == 1 && line[size] != '\n')
        size++;
    line[size] = '\0';
    return size > 0;
}

/* A path as text in JSON. */
static const char *quoted(const char *path)
{
    static char text[2 * PATH_MAX];
    size_t size = 0;

    for (; *path && size < sizeof(text) - 2; path++) {
        if (*path == '"' || *path == '\\')
            text[size++] = '\\';
        text[size++] = *path;
    }
    text[size] = '\0';
    return text;
}

/* Where the bytes are, as JSON. Returns false with errno set. */
static bool describe_file(const struct storage *s, char *text, size_t size)
{
    struct config_nbd nbd;
    struct stat st;

    if (s->fd >= 0) {
        if (fstat(s->fd, &st) != 0)
            return false;
        snprintf(text, size, "{\"driver\":\"%s\",\"filename\":\"%s\",\"locking\":\"off\"}",
                 S_ISBLK(st.st_mode) ? "host_device" : "file", quoted(s->disk->path));
        return true;
    }
    if (!config_parse_nbd(s->disk->path, &nbd))
        abort(); /* checked with the configuration */
    int used = snprintf(
        text, size,
        "{\"driver\":\"nbd\",\"reconnect-delay\":%u,\"open-timeout\":%u,\"export\":\"%s\",",
        RECONNECT_SECONDS, s->patience, nbd.name);
    if (nbd.socket[0])
        snprintf(text + used, size - (size_t)used,
                 "\"server\":{\"type\":\"unix\",\"path\":\"%s\"}}", nbd.socket);
    else
        snprintf(text + used, size - (size_t)used,
                 "\"server\":{\"type\":\"inet\",\"host\":\"%s\",\"port\":\"%s\"}}", nbd.host,
                 nbd.port);
    return true;
}

/*
 * Writes through: the daemon keeps tables of a qcow2 image in its memory, and a server of network
 * block devices may end and come back without what it had not flushed; what the guest was told is
 * done must outlive both.
 */
static void execute(const struct storage *s, int monitor, int listener)
{
    char file[2 * PATH_MAX + 256], blockdev[sizeof(file) + 256], export[256], chardev[48];
    char *const arguments[] = {
        (char *)DAEMON, blockdev, export, chardev, (char *)"--monitor=chardev=monitor", NULL};

    if (!describe_file(s, file, sizeof(file)))
        return;
    snprintf(blockdev, sizeof(blockdev),
             "--blockdev={\"driver\":\"%s\",\"node-name\":\"disk\",\"read-only\":%s,\"discard\":"
             "\"unmap\",\"file\":%s}",
             s->disk->remote ? "raw" : s->disk->type, s->disk->readonly ? "true" : "false", file);
    snprintf(export, sizeof(export),
             "--export=type=vhost-user-blk,id=disk,node-name=disk,writable=%s,writethrough=on,"
             "num-queues=%u,addr.type=fd,addr.str=%d",
             s->disk->readonly ? "off" : "on", s->queues, listener);
    snprintf(chardev, sizeof(chardev), "--chardev=socket,id=monitor,fd=%d", monitor);
    execv(DAEMON, arguments);
}

/* The child's rights: those of a user who is nobody else, and its supervisor's lifetime. */
static bool confine(uid_t uid, pid_t supervisor)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    bool good =
        uid == 0 || geteuid() != 0 ||
        (setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
    return good && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == supervisor;
}

static _Noreturn void fail_child(const char *program)
{
    report(0, "cannot start %s: %s", program, strerror(errno));
    _exit(127);
}

/*
 * A listening socket, as daemons want it, and a connection to it; the name that it needs for that
 * is gone afterwards. False with errno set.
 */
static bool make_link(const char *domain, int *listener, int *connection)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct sockaddr *at = (const struct sockaddr *)&address;

    strncpy(address.sun_path, run_path(domain, "link").text, sizeof(address.sun_path) - 1);
    unlink(address.sun_path);
    *listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*listener >= 0 && *connection >= 0 && bind(*listener, at, sizeof(address)) == 0 &&
        listen(*listener, 1) == 0 && connect(*connection, at, sizeof(address)) == 0)
        return unlink(address.sun_path) == 0;
    int error = errno;
    close(*listener);
    close(*connection);
    errno = error;
    return false;
}

static int say_why(const struct storage *s, const char *why)
{
    report(0, "%s: disk \"%s\": %s: %s", s->domain, s->disk->title, s->disk->path, why);
    return -1;
}

/* Waits for the daemon's greeting. Returns NULL or what it says instead. */
static const char *wait_greeting(int monitor)
{
    static char line[LINE_SIZE];
    struct timeval limit = {.tv_sec = START_SECONDS};

    setsockopt(monitor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (!read_line(monitor, line))
        return "its storage daemon does not start";
    if (strncmp(line, GREETING, strlen(GREETING)) == 0)
        return NULL;
    const char *why = strstr(line, "}: "); /* behind the option that we gave it */
    return why ? why + 3 : line;
}

int storage_start(const struct storage *s)
{
    int pair[2], listener, connection;
    pid_t supervisor = getpid();

    if (access(DAEMON, X_OK) != 0)
        return say_why(s, "this type needs " DAEMON "; install qemu-system-common");
    if (!make_link(s->domain, &listener, &connection) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return say_why(s, strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        if ((s->fd < 0 || opener_start(s->disk->path, s->fd)) &&
            dup2(pair[1], STDERR_FILENO) >= 0 && fcntl(pair[1], F_SETFD, 0) == 0 &&
            fcntl(listener, F_SETFD, 0) == 0 && confine(s->uid, supervisor))
            execute(s, pair[1], listener);
        fail_child(DAEMON);
    }
    close(pair[1]);
    close(listener);
    if (pid > 0)
        daemons[count++] = pid;
    const char *wrong = pid > 0 ? wait_greeting(pair[0]) : strerror(errno);
    close(pair[0]); /* the daemon goes on without its monitor */
    if (!wrong)
        return connection;
    close(connection);
    return say_why(s, wrong);
}

/*
 * virtiofsd acts for all users of the guest, so it is root; it shuts itself into the folder, gives
 * up all capabilities but those for files, and lists the system calls that it needs.
 */
int storage_share(const char *domain, const struct config_share *share)
{
    char source[PATH_MAX + 32], fd[24];
    char *const arguments[] = {(char *)SHARER, (char *)"-f", fd, (char *)"-o", source, NULL};
    int listener, connection;
    pid_t supervisor = getpid();

    if (access(SHARER, X_OK) != 0 || !make_link(domain, &listener, &connection)) {
        report(0, "%s: share \"%s\": %s: %s; install qemu-system-common", domain, share->tag,
               SHARER, strerror(errno));
        return -1;
    }
    snprintf(source, sizeof(source), "source=%s,sandbox=chroot", share->path);
    snprintf(fd, sizeof(fd), "--fd=%d", listener);
    pid_t pid = fork();
    if (pid == 0) {
        if (fcntl(listener, F_SETFD, 0) == 0 && confine(0, supervisor))
            execv(SHARER, arguments);
        fail_child(SHARER);
    }
    close(listener);
    if (pid > 0)
        daemons[count++] = pid;
    return connection;
}
