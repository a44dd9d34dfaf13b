/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: one ring of output with a position per client. A client that does not read loses
 * what falls out of the ring, and nobody else notices.
 */
#include "guests/dom0/backend/terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guests/dom0/backend/log_file.h"
#include "guests/dom0/backend/loop.h"

#define MAX_CLIENTS 8
#define INPUT_ROOM  4096

struct client {
    struct loop_source source;
    uint64_t position; /* bytes of all output ever that it was sent or has missed */
};

static struct {
    struct loop_source listener;
    struct client client[MAX_CLIENTS];
    size_t (*input)(const uint8_t *data, size_t size);
    struct terminal_state *state;
    size_t typed; /* bytes in `pending` */
    uint8_t pending[INPUT_ROOM];
} terminal;

/* Sends a client what it has not seen yet. */
static void feed(struct client *client)
{
    if (terminal.state->head - client->position > TERMINAL_HISTORY)
        client->position = terminal.state->head - TERMINAL_HISTORY;
    while (client->source.fd >= 0 && client->position < terminal.state->head) {
        size_t at = client->position % TERMINAL_HISTORY;
        size_t size = (size_t)(terminal.state->head - client->position);
        if (size > TERMINAL_HISTORY - at)
            size = TERMINAL_HISTORY - at;
        ssize_t sent =
            send(client->source.fd, terminal.state->ring + at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            loop_close(&client->source);
            return;
        }
        if (sent < 0)
            break;
        client->position += (size_t)sent;
    }
    uint32_t reading = terminal.typed < INPUT_ROOM ? EPOLLIN : 0;
    loop_set(&client->source, reading | (client->position < terminal.state->head ? EPOLLOUT : 0));
}

static void feed_all(void)
{
    for (unsigned i = 0; i < MAX_CLIENTS; i++)
        if (terminal.client[i].source.fd >= 0)
            feed(&terminal.client[i]);
}

/* Offers pending input to the domain. */
static void offer(void)
{
    size_t taken = terminal.typed ? terminal.input(terminal.pending, terminal.typed) : 0;

    terminal.typed -= taken;
    memmove(terminal.pending, terminal.pending + taken, terminal.typed);
}

void terminal_retry(void)
{
    if (terminal.typed) {
        offer();
        feed_all();
    }
}

static void client_ready(struct loop_source *source, uint32_t events)
{
    struct client *client = (struct client *)source;

    if (events & EPOLLIN && terminal.typed < INPUT_ROOM) {
        ssize_t got = recv(source->fd, terminal.pending + terminal.typed,
                           INPUT_ROOM - terminal.typed, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            loop_close(source);
            return;
        }
        terminal.typed += got > 0 ? (size_t)got : 0;
        offer();
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        loop_close(source);
        return;
    }
    feed(client);
}

static void accept_client(struct loop_source *source, uint32_t events)
{
    (void)events;
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (unsigned i = 0; i < MAX_CLIENTS; i++) {
        struct client *client = &terminal.client[i];
        if (client->source.fd >= 0)
            continue;
        client->source = (struct loop_source){.fd = fd, .events = EPOLLIN, .ready = client_ready};
        client->position = 0;
        if (!loop_add(&client->source))
            break;
        feed(client);
        return;
    }
    close(fd);
}

int terminal_open(struct terminal_state *state, int listen_fd,
                  size_t (*input)(const uint8_t *data, size_t size))
{
    memset(&terminal, 0, sizeof(terminal));
    terminal.state = state;
    terminal.input = input;
    for (unsigned i = 0; i < MAX_CLIENTS; i++)
        terminal.client[i].source.fd = -1;
    terminal.listener =
        (struct loop_source){.fd = listen_fd, .events = EPOLLIN, .ready = accept_client};
    return listen_fd < 0 || loop_add(&terminal.listener) ? 0 : errno;
}

void terminal_output(const uint8_t *data, size_t size)
{
    log_file_append(data, size);
    for (size_t done = 0; done < size;) {
        size_t at = terminal.state->head % TERMINAL_HISTORY;
        size_t n = size - done < TERMINAL_HISTORY - at ? size - done : TERMINAL_HISTORY - at;
        memcpy(terminal.state->ring + at, data + done, n);
        terminal.state->head += n;
        done += n;
        feed_all();
    }
}

void terminal_flush(void)
{
    feed_all();
}
