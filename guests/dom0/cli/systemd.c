/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd: its notification protocol and systemctl.
 */
#include "guests/dom0/cli/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guests/dom0/cli/interrupt.h"

bool systemd_is_here(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

void systemd_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    strcpy(address.sun_path, path);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    close(fd);
}

bool systemd_unit(const char *verb, const char *name)
{
    char unit[64];
    int status;
    bool late = interrupted() != 0; /* it is for clearing away after that */

    snprintf(unit, sizeof(unit), "tarn@%s.service", name);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0); /* Ctrl-C is for us: we see to it that what has begun ends */
        if (late && !freopen("/dev/null", "w", stderr)) /* its unit may not be there yet */
            _exit(127);
        execlp("systemctl", "systemctl", "--quiet", "--no-ask-password", "--signal=SIGINT",
               "--kill-whom=main", verb, unit, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
        if (!late && interrupted())
            kill(pid, SIGTERM);
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A unit that is stopped for a restart has a job of that kind; its process is not told otherwise.
 */
bool systemd_restarts(const char *name)
{
    char command[128], job[256];

    snprintf(command, sizeof(command), "systemctl list-jobs --no-legend --plain tarn@%s.service",
             name);
    FILE *jobs = systemd_is_here() ? popen(command, "re") : NULL;
    bool restarts = false;
    while (jobs && fgets(job, sizeof(job), jobs))
        restarts = restarts || strstr(job, " restart ") != NULL;
    if (jobs)
        pclose(jobs);
    return restarts;
}
