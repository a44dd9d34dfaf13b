/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port has one client at a time; the guest is told when it comes and goes. What the guest writes
 * while there is none is thrown away, as by QEMU. What a client sends waits in its socket until the
 * guest has room, even if the client has gone: the next one's turn, and the guest's word of the
 * end, come after that.
 *
 * Control messages that are owed to the guest are flags, so that one is owed once, however long the
 * guest gives no buffer for it; a new backend owes them all again, which drivers take well.
 */
#include "guests/dom0/backend/ports.h"

#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"

#define CONTROL_RX 2
#define CONTROL_TX 3
#define ROOM       2048

struct port {
    struct loop_source listener, client;
    unsigned number;
    const char *name;
    bool owe_add, owe_name, owe_open;
    bool called; /* the client is one that we called, and would give up for one that calls us */
    struct vq_chain out; /* being sent to the client, from byte `sent` on; held if `busy` */
    size_t sent;
    bool busy;
    bool ended;   /* the client has gone; what it sent has not been taken */
    size_t typed; /* bytes of the client in `in` */
    uint8_t in[ROOM];
};

static struct {
    struct device device; /* first: a device is this object */
    struct port port[PORTS_MAX];
    unsigned count;
    struct vq_chain chain;
} ports;

static unsigned rx_of(const struct port *port)
{
    return port->number == 0 ? 0 : 2 * port->number + 2;
}

static bool is_connected(const struct port *port)
{
    return port->client.fd >= 0;
}

static bool is_ready(const struct port *port, unsigned queue)
{
    return ports.device.running && ports.device.state->queue[rx_of(port) + queue].ready;
}

/* ---- control ---- */

/* False: the guest has no room for it now. */
static bool tell(unsigned port, unsigned event, unsigned value, const char *name)
{
    struct virtqueue *vq = &ports.device.vq[CONTROL_RX];
    struct virtio_console_control control = {
        .id = port, .event = (uint16_t)event, .value = (uint16_t)value};
    struct vq_chain *chain = &ports.chain;

    if (vq_pop(vq, chain) != VQ_GOT)
        return false;
    struct iovec *in = chain->segment + chain->readable;
    size_t size = iov_write(in, chain->writable, 0, &control, sizeof(control));
    size += iov_write(in, chain->writable, size, name, strlen(name));
    vq_push(vq, chain->head, (uint32_t)size);
    return true;
}

static void pay(struct port *port)
{
    unsigned number = port->number;

    if (port->owe_add)
        port->owe_add = !tell(number, VIRTIO_CONSOLE_PORT_ADD, 1, "");
    if (!port->owe_add && port->owe_name)
        port->owe_name = !tell(number, VIRTIO_CONSOLE_PORT_NAME, 1, port->name);
    if (!port->owe_add && !port->owe_name && port->owe_open)
        port->owe_open = !tell(number, VIRTIO_CONSOLE_PORT_OPEN, is_connected(port), "");
}

static bool owes(void)
{
    for (unsigned i = 0; i < ports.count; i++)
        if (ports.port[i].owe_add || ports.port[i].owe_name || ports.port[i].owe_open)
            return true;
    return false;
}

static void finish(unsigned queue)
{
    device_signal(&ports.device, queue);
    if (ports.device.vq[queue].broken)
        device_fail(&ports.device, ports.device.vq[queue].broken);
}

static void pay_all(void)
{
    struct virtqueue *vq = &ports.device.vq[CONTROL_RX];

    if (!ports.device.running || !vq->state->ready)
        return;
    do {
        for (unsigned i = 0; i < ports.count; i++)
            pay(&ports.port[i]);
    } while (!vq->broken && !vq_wait(vq) && owes());
    finish(CONTROL_RX);
}

/* Whether somebody in the guest has it open: until then the driver throws away what comes. */
static bool is_open(const struct port *port)
{
    return ports.device.state->own >> port->number & 1;
}

static void guest_reads(struct port *port);

static void hear(const struct virtio_console_control *control)
{
    bool all = control->event == VIRTIO_CONSOLE_DEVICE_READY;

    for (unsigned i = 0; i < ports.count; i++) {
        struct port *port = &ports.port[i];
        if (all)
            port->owe_add = true;
        else if (control->event == VIRTIO_CONSOLE_PORT_READY && control->id == i)
            port->owe_name = port->owe_open = true;
        else if (control->event == VIRTIO_CONSOLE_PORT_OPEN && control->id == i) {
            ports.device.state->own &= ~(1u << i);
            ports.device.state->own |= (control->value ? 1u : 0u) << i;
        }
    }
}

static void hear_all(struct virtqueue *vq)
{
    struct virtio_console_control control;
    struct vq_chain *chain = &ports.chain;

    vq_busy(vq);
    do {
        while (vq_pop(vq, chain) == VQ_GOT) {
            if (iov_read(chain->segment, chain->readable, 0, &control, sizeof(control)) ==
                sizeof(control))
                hear(&control);
            vq_push(vq, chain->head, 0);
        }
    } while (!vq_wait(vq));
    finish(CONTROL_TX);
    pay_all();
    for (unsigned i = 0; i < ports.count; i++)
        if (ports.port[i].typed && is_ready(&ports.port[i], 0))
            guest_reads(&ports.port[i]);
}

/* ---- data ---- */

/* Sends what is held to the client. False: it takes no more now. */
static bool send_held(struct port *port)
{
    uint8_t data[ROOM];
    size_t size;

    while (is_connected(port) && (size = iov_read(port->out.segment, port->out.readable, port->sent,
                                                  data, sizeof(data))) > 0) {
        ssize_t sent = send(port->client.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (sent < 0)
            break; /* its end is seen by the loop */
        port->sent += (size_t)sent;
    }
    return true;
}

static void listen_to_client(struct port *port)
{
    if (is_connected(port) && !port->ended)
        loop_set(&port->client, (port->typed ? 0 : EPOLLIN) | (port->busy ? EPOLLOUT : 0));
}

static void guest_writes(struct port *port)
{
    struct virtqueue *vq = &ports.device.vq[rx_of(port) + 1];

    vq_busy(vq);
    do {
        while (port->busy || vq_pop(vq, &port->out) == VQ_GOT) {
            port->busy = !send_held(port);
            if (port->busy)
                break;
            vq_push(vq, port->out.head, 0);
            port->sent = 0;
        }
    } while (!port->busy && !vq_wait(vq));
    finish(rx_of(port) + 1);
    listen_to_client(port);
}

static void lose_client(struct port *port)
{
    loop_close(&port->client);
    port->ended = false;
    loop_set(&port->listener, EPOLLIN);
    port->owe_open = true;
    if (port->busy) /* nobody wants the rest */
        guest_writes(port);
    pay_all();
}

/* Takes what the client sent next, `in` being empty. False: there is nothing, and perhaps no client
 * any more. */
static bool hear_client(struct port *port)
{
    ssize_t got = recv(port->client.fd, port->in, ROOM, MSG_DONTWAIT);

    if (got > 0)
        port->typed = (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        lose_client(port);
    return got > 0;
}

/* Gives the guest bytes of `in`, as far as there is room. */
static void give(struct port *port)
{
    struct virtqueue *vq = &ports.device.vq[rx_of(port)];
    struct vq_chain *chain = &ports.chain;

    while (port->typed > 0 && is_open(port)) {
        enum vq_result result = vq_pop(vq, chain);
        if (result == VQ_EMPTY && !vq_wait(vq))
            continue;
        if (result != VQ_GOT)
            break;
        size_t n =
            iov_write(chain->segment + chain->readable, chain->writable, 0, port->in, port->typed);
        vq_push(vq, chain->head, (uint32_t)n);
        port->typed -= n;
        memmove(port->in, port->in + n, port->typed);
    }
}

/* Of a client that has gone, all: there is no more to come than its socket holds. */
static void guest_reads(struct port *port)
{
    do {
        give(port);
        finish(rx_of(port));
    } while (port->ended && port->typed == 0 && hear_client(port));
    listen_to_client(port);
}

/* It has gone before the guest took all that it sent. */
static void outlive_client(struct port *port)
{
    port->ended = true;
    loop_forget(&port->client); /* which would say so for ever */
    loop_set(&port->listener, 0);
    if (port->busy)
        guest_writes(port);
}

static void client_ready(struct loop_source *source, uint32_t events)
{
    struct port *port = (struct port *)((uint8_t *)source - offsetof(struct port, client));

    if (events & EPOLLOUT && is_ready(port, 1))
        guest_writes(port);
    if (!is_connected(port) || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    if (port->typed)
        outlive_client(port);
    else if (hear_client(port) && is_ready(port, 0))
        guest_reads(port);
    else
        listen_to_client(port);
}

static bool take_client(struct port *port, int fd)
{
    port->client = (struct loop_source){.fd = fd, .events = EPOLLIN, .ready = client_ready};
    port->owe_open = true;
    if (loop_add(&port->client))
        return true;
    loop_close(&port->client);
    return false;
}

/* The first client has gone, and we have not looked yet: what it sent comes first. */
static void look_after_client(struct port *port)
{
    struct pollfd pollfd = {.fd = port->client.fd, .events = POLLRDHUP};

    if (poll(&pollfd, 1, 0) != 1 || (!port->typed && !hear_client(port)))
        return;
    outlive_client(port);
    if (is_ready(port, 0))
        guest_reads(port);
}

/* A second client is turned away, waits for the bytes of one that has gone, or is the one of two
 * that counts. */
static void accept_client(struct loop_source *source, uint32_t events)
{
    struct port *port = (struct port *)((uint8_t *)source - offsetof(struct port, listener));

    (void)events;
    if (is_connected(port) && !port->called)
        look_after_client(port);
    if (port->ended)
        return;
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (is_connected(port) && !port->called) {
        close(fd);
        return;
    }
    if (is_connected(port))
        lose_client(port);
    port->called = false;
    take_client(port, fd);
    pay_all();
}

/* ---- device ---- */

static void notify(struct device *device, unsigned queue)
{
    if (queue == CONTROL_TX) {
        hear_all(&device->vq[queue]);
        return;
    }
    if (queue == CONTROL_RX) {
        pay_all();
        return;
    }
    struct port *port = &ports.port[queue < CONTROL_RX ? 0 : (queue - 2) / 2];
    if (queue % 2)
        guest_writes(port);
    else
        guest_reads(port);
}

/* A guest that has talked to our predecessor is told all anew. */
static void start(struct device *device)
{
    bool again = device->vq[CONTROL_TX].state->next_used != 0;

    for (unsigned i = 0; i < ports.count; i++)
        ports.port[i].owe_add = ports.port[i].owe_open = again;
}

static void reset(struct device *device)
{
    (void)device;
    for (unsigned i = 0; i < ports.count; i++) {
        struct port *port = &ports.port[i];
        port->owe_add = port->owe_name = port->owe_open = port->busy = false;
        port->sent = 0;
        listen_to_client(port);
    }
}

static const struct device_ops ops = {
    .name = "ports",
    .id = VIRTIO_ID_CONSOLE,
    .start = start,
    .notify = notify,
    .reset = reset,
};

struct device *ports_new(unsigned index, const struct port_option *option, unsigned count)
{
    struct virtio_console_config *config = (struct virtio_console_config *)ports.device.config;

    ports.device = (struct device){.ops = &ops, .index = index, .queues = 2 * count + 2};
    ports.device.features = 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
    ports.count = count;
    config->max_nr_ports = count;
    for (unsigned i = 0; i < count; i++) {
        struct port *port = &ports.port[i];
        port->number = i;
        port->name = option[i].name;
        port->client.fd = -1;
        port->listener =
            (struct loop_source){.fd = option[i].fd, .events = EPOLLIN, .ready = accept_client};
        port->called = option[i].peer >= 0 && !option[i].wins;
        if (!loop_add(&port->listener) ||
            (option[i].peer >= 0 && !take_client(port, option[i].peer)))
            return NULL;
    }
    return &ports.device;
}
