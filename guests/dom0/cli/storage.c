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
#include "guests/dom0/common/report.h"

#define DAEMON        "/usr/bin/qemu-storage-daemon"
#define START_SECONDS 60
#define END_TRIES     500 /* of 10 ms */
#define LINE_SIZE     1024
#define GREETING      "{\"QMP\""

static pid_t daemons[CONFIG_MAX_DISKS];
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

/*
 * Writes through: the daemon keeps tables of a qcow2 image in its memory, and what the guest was
 * told is done must outlive it.
 */
static void execute(const struct storage *s, int monitor, int listener)
{
    char blockdev[3 * PATH_MAX], export[256], chardev[48];
    char *const arguments[] = {
        (char *)DAEMON, blockdev, export, chardev, (char *)"--monitor=chardev=monitor", NULL};
    struct stat st;

    if (fstat(s->fd, &st) != 0)
        return;
    snprintf(blockdev, sizeof(blockdev),
             "--blockdev={\"driver\":\"%s\",\"node-name\":\"disk\",\"read-only\":%s,\"discard\":"
             "\"unmap\",\"file\":{\"driver\":\"%s\",\"filename\":\"%s\",\"locking\":\"off\"}}",
             s->disk->type, s->disk->readonly ? "true" : "false",
             S_ISBLK(st.st_mode) ? "host_device" : "file", quoted(s->disk->path));
    snprintf(export, sizeof(export),
             "--export=type=vhost-user-blk,id=disk,node-name=disk,writable=%s,writethrough=on,"
             "num-queues=%u,addr.type=fd,addr.str=%d",
             s->disk->readonly ? "off" : "on", s->queues, listener);
    snprintf(chardev, sizeof(chardev), "--chardev=socket,id=monitor,fd=%d", monitor);
    execv(DAEMON, arguments);
}

static void become_daemon(const struct storage *s, int monitor, int listener, pid_t supervisor)
{
    uid_t uid = s->uid;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    bool good = opener_start(s->disk->path, s->fd) && dup2(monitor, STDERR_FILENO) >= 0 &&
                fcntl(monitor, F_SETFD, 0) == 0 && fcntl(listener, F_SETFD, 0) == 0;
    good = good &&
           (geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
                               setresuid(uid, uid, uid) == 0)) &&
           prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == supervisor;
    if (good)
        execute(s, monitor, listener);
    report(0, "cannot start %s: %s", DAEMON, strerror(errno));
    _exit(127);
}

/* A listening socket and its address, which has no name left after connecting. */
static int listen_at(struct sockaddr_un *address, const struct storage *s)
{
    char name[24];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name, sizeof(name), "storage.%u", s->number);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strncpy(address->sun_path, run_path(s->domain, name).text, sizeof(address->sun_path) - 1);
    unlink(address->sun_path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0 &&
        listen(fd, 1) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int connect_to(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int say_why(const struct storage *s, const char *why)
{
    report(0, "%s: disk \"%s\": %s: %s", s->domain, s->disk->title, s->disk->path, why);
    return -1;
}

int storage_start(const struct storage *s)
{
    struct timeval limit = {.tv_sec = START_SECONDS};
    struct sockaddr_un address;
    char line[LINE_SIZE];
    int pair[2];
    pid_t supervisor = getpid();

    if (access(DAEMON, X_OK) != 0)
        return say_why(s, "this type needs " DAEMON "; install qemu-system-common");
    int listener = listen_at(&address, s);
    if (listener < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return say_why(s, strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become_daemon(s, pair[1], listener, supervisor);
    close(pair[1]);
    if (pid > 0)
        daemons[count++] = pid;
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    bool spoke = pid > 0 && read_line(pair[0], line);
    int fd = spoke && strncmp(line, GREETING, strlen(GREETING)) == 0 ? connect_to(&address) : -1;
    unlink(address.sun_path);
    close(listener);
    /* The daemon goes on without its monitor. */
    close(pair[0]);
    return fd >= 0 ? fd : say_why(s, spoke ? line : "its storage daemon does not start");
}
