/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn console: a terminal on the domain's, through its backend's socket.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/cli/rundir.h"
#include "guests/dom0/common/report.h"

#define LEAVE 0x1d /* Ctrl-] */

enum outcome { LEFT, LOST };

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, run_path(name, "console").text, sizeof(address.sun_path) - 1);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Typed bytes on their way. Returns false when it is time to leave. */
static bool forward(struct pollfd *in, int to)
{
    char data[512];
    ssize_t size = read(STDIN_FILENO, data, sizeof(data));

    if (size <= 0) { /* no more input, but there may be output */
        in->fd = -1;
        return true;
    }
    const char *leave = memchr(data, LEAVE, (size_t)size);
    send(to, data, leave ? (size_t)(leave - data) : (size_t)size, MSG_NOSIGNAL);
    return leave == NULL;
}

/* Until Ctrl-] or the other side's end. */
static enum outcome talk(int fd)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    char data[4096];

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return LOST;
        if (fds[1].revents) {
            ssize_t size = recv(fd, data, sizeof(data), 0);
            if (size <= 0)
                return LOST;
            if (!write_all(STDOUT_FILENO, data, (size_t)size))
                return LEFT;
        }
        if (fds[0].revents && !forward(&fds[0], fd))
            return LEFT;
    }
}

static bool make_raw(struct termios *before)
{
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, before) != 0)
        return false;
    raw = *before;
    cfmakeraw(&raw);
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

int console_attach(const char *name)
{
    struct termios before;
    int fd = connect_to(name);

    if (fd < 0)
        return report(EXIT_FAILED, "%s: no console: %s; nobody looks after it: tarn adopt %s", name,
                      strerror(errno), name);
    fprintf(stderr, "console of %s; Ctrl-] leaves\n", name);
    bool raw = make_raw(&before);
    enum outcome outcome = LOST;
    /* A backend that went away comes back if its domain reboots. */
    while (fd >= 0 && (outcome = talk(fd)) == LOST) {
        static const struct timespec moment = {.tv_nsec = 200000000};
        close(fd);
        nanosleep(&moment, NULL);
        fd = connect_to(name);
    }
    if (fd >= 0)
        close(fd);
    if (raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    fprintf(stderr, outcome == LEFT ? "\n" : "\n%s has ended\n", name);
    return EXIT_GOOD;
}

int command_console(int argc, char **argv)
{
    struct tarn_info info;

    if (argc != 2)
        return report(EXIT_USAGE, "usage: tarn console DOMAIN");
    int code = find_domain(argv[1], &info);
    if (!code && info.id == 0)
        return report(EXIT_USAGE, "dom0's console is this machine's serial line");
    return code ? code : console_attach(info.name);
}
