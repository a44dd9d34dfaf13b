/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: "power" presses the power button; "medium INDEX SECTORS", with a descriptor, changes a
 * disk. Replies: "ok" or a sentence that says why not.
 */
#include "guests/dom0/backend/control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "guests/dom0/backend/input.h"
#include "guests/dom0/backend/loop.h"

#define REQUEST_SIZE 64

static struct loop_source listener;
static control_medium *change_medium;

/* fd: what came with it, or -1; closed unless it is taken over. */
static const char *answer(const char *request, int fd)
{
    unsigned index;
    uint64_t sectors;
    const char *reply = "unknown request";

    if (fd >= 0 && sscanf(request, "medium %u %lu", &index, &sectors) == 2)
        return change_medium(index, fd, sectors);
    if (strcmp(request, "power") == 0)
        reply = input_press_power() ? "ok"
                                    : "the guest has no driver for its power button: it may still "
                                      "be booting";
    if (fd >= 0)
        close(fd);
    return reply;
}

/* A request and the descriptor that is with it, or -1. Returns false if none came. */
static bool receive(int fd, char request[REQUEST_SIZE], int *carried)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct iovec iov = {.iov_base = request, .iov_len = REQUEST_SIZE - 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

    *carried = -1;
    if (size <= 0)
        return false;
    request[size] = '\0';
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(carried, CMSG_DATA(head), sizeof(int));
    return true;
}

/* A request follows its connection at once; who dawdles is not served. */
static void serve(struct loop_source *source, uint32_t events)
{
    struct timeval limit = {.tv_usec = 100000};
    char request[REQUEST_SIZE];
    int carried, fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (receive(fd, request, &carried)) {
        const char *reply = answer(request, carried);
        send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
}

int control_open(int listen_fd, control_medium *medium)
{
    change_medium = medium;
    listener = (struct loop_source){.fd = listen_fd, .events = EPOLLIN, .ready = serve};
    return listen_fd < 0 || loop_add(&listener) ? 0 : errno;
}
