/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop on epoll.
 */
#include "guests/dom0/backend/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 16

static int epoll_fd = -1;
static bool stopped;

bool loop_init(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    stopped = false;
    return epoll_fd >= 0;
}

static struct epoll_event event_of(struct loop_source *source)
{
    return (struct epoll_event){.events = source->events, .data.ptr = source};
}

bool loop_add(struct loop_source *source)
{
    struct epoll_event event = event_of(source);
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void loop_set(struct loop_source *source, uint32_t events)
{
    if (source->fd < 0 || source->events == events)
        return;
    source->events = events;
    struct epoll_event event = event_of(source);
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_forget(struct loop_source *source)
{
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

void loop_close(struct loop_source *source)
{
    if (source->fd < 0)
        return;
    loop_forget(source);
    close(source->fd);
    source->fd = -1;
}

bool loop_once(int timeout_ms)
{
    struct epoll_event events[BATCH];
    int count = epoll_wait(epoll_fd, events, BATCH, timeout_ms);

    for (int i = 0; i < count && !stopped; i++) {
        struct loop_source *source = events[i].data.ptr;
        if (source->fd >= 0) /* closed by one before it in the batch? */
            source->ready(source, events[i].events);
    }
    return count >= 0 || errno == EINTR;
}

void loop_run(void)
{
    while (!stopped && loop_once(-1))
        continue;
}

void loop_stop(void)
{
    stopped = true;
}
