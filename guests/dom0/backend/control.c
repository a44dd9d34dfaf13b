/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: "power" presses the power button. Replies: "ok" or a sentence that says why not.
 */
#include "guests/dom0/backend/control.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "guests/dom0/backend/input.h"
#include "guests/dom0/backend/loop.h"

#define REQUEST_SIZE 64

static struct loop_source listener;

static const char *answer(const char *request)
{
    if (strcmp(request, "power") != 0)
        return "unknown request";
    return input_press_power() ? "ok" : "the guest has no driver for its power button";
}

/* A request follows its connection at once; who dawdles is not served. */
static void serve(struct loop_source *source, uint32_t events)
{
    struct timeval limit = {.tv_usec = 100000};
    char request[REQUEST_SIZE] = "";
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (recv(fd, request, sizeof(request) - 1, 0) > 0) {
        const char *reply = answer(request);
        send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
}

int control_open(int listen_fd)
{
    listener = (struct loop_source){.fd = listen_fd, .events = EPOLLIN, .ready = serve};
    return listen_fd < 0 || loop_add(&listener) ? 0 : errno;
}
