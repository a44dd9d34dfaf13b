/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn-backend: the devices of one domain, in one process that holds that domain's file and what
 * its devices are made of, and nothing else. Started by `tarn supervise`, and started again when it
 * dies: the devices go on where their state in shared memory says.
 *
 * Exit status: 0 the domain is over, or SIGTERM came; 1 something is missing (said on stderr).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/backend/aio.h"
#include "guests/dom0/backend/block.h"
#include "guests/dom0/backend/console.h"
#include "guests/dom0/backend/control.h"
#include "guests/dom0/backend/domain.h"
#include "guests/dom0/backend/entropy.h"
#include "guests/dom0/backend/input.h"
#include "guests/dom0/backend/log_file.h"
#include "guests/dom0/backend/loop.h"
#include "guests/dom0/backend/net.h"
#include "guests/dom0/backend/options.h"
#include "guests/dom0/backend/ports.h"
#include "guests/dom0/backend/proxy.h"
#include "guests/dom0/backend/sandbox.h"
#include "guests/dom0/backend/state.h"
#include "guests/dom0/backend/terminal.h"
#include "guests/dom0/backend/vsock.h"
#include "guests/dom0/backend/watchdog.h"
#include "guests/dom0/backend/workers.h"

_Static_assert(OPTIONS_DEVICES == TARN_MAX_VDEVS, "the command line names every device there is");

#define EVENTS        (TARN_MAX_VCPUS + 2) /* a request of each vCPU, state, console */
#define LOG_LINES     10
#define LOG_SECONDS   60
#define UART_RETRY_NS 10000000 /* the PL011's FIFO has no "there is room" event */

static struct options options;
static struct guest_memory memory;
static struct device *devices[TARN_MAX_VDEVS];
static struct loop_source events, signals, uart_retry, watchdog;

struct queue_source {
    struct loop_source source;
    struct device *device;
    unsigned queue;
};

static int fail(const char *what, int error)
{
    fprintf(stderr, "tarn-backend: %s: %s: %s\n", options.name, what, strerror(error));
    return 1;
}

/* A guest that breaks rules again and again fills no log: LOG_LINES in LOG_SECONDS. */
static bool may_log(void)
{
    static time_t first;
    static unsigned lines;
    time_t now = time(NULL);

    if (now - first >= LOG_SECONDS) {
        first = now;
        lines = 0;
    }
    return lines++ < LOG_LINES;
}

static void log_device(struct device *device, const char *message)
{
    if (!may_log())
        return;
    fprintf(stderr, "tarn-backend: %s: %s device %u: %s\n", options.name, device->ops->name,
            device->index, message);
}

static void signal_queue(struct device *device)
{
    eventfd_write(device->irq_fd, 1);
}

static void signal_config(struct device *device)
{
    domain_interrupt(device->index, 2);
}

static const struct device_host host = {
    .signal_queue = signal_queue,
    .signal_config = signal_config,
    .log = log_device,
};

/* Each signal is an edge, whatever the eventfd counts: it need not be read. */
static void queue_notified(struct loop_source *source, uint32_t ready)
{
    struct queue_source *queue = (struct queue_source *)source;

    (void)ready;
    device_notify(queue->device, queue->queue);
}

static bool add_queue(struct device *device, unsigned queue)
{
    struct queue_source *source;

    device->kick_fd[queue] = domain_ioeventfd(device->index, queue);
    if (device->kick_fd[queue] < 0)
        return false;
    if (queue < device->outside)
        return true;
    source = calloc(1, sizeof(*source));
    if (!source)
        return false;
    source->device = device;
    source->queue = queue;
    source->source = (struct loop_source){
        .fd = device->kick_fd[queue], .events = EPOLLIN | EPOLLET, .ready = queue_notified};
    return loop_add(&source->source);
}

static struct device *make_device(const struct device_option *option)
{
    switch (option->kind) {
    case KIND_CONSOLE:
        return console_new(option->index);
    case KIND_ENTROPY:
        return entropy_new(option->index);
    case KIND_INPUT:
        return input_new(option->index);
    case KIND_DISK:
        return block_new(option->index, option->fd, option->readonly, option->queues,
                         option->serial);
    case KIND_PROXY:
        return proxy_new_disk(option->index, option->fd, domain_memory_fd(), &memory,
                              option->readonly, option->queues, option->serial);
    case KIND_SHARE:
        return proxy_new_share(option->index, option->fd, domain_memory_fd(), &memory, option->tag);
    case KIND_PORTS:
        return ports_new(option->index, options.port, options.ports);
    case KIND_VSOCK:
        return vsock_new(option->index, option->fd, option->cid);
    case KIND_NET:
        return option->pairs ? net_new_vhost(option->index, option->pairs, option->tap,
                                             option->vhost, option->mac)
                             : net_new(option->index, option->fd, option->mac);
    default:
        return NULL;
    }
}

static bool add_device(const struct device_option *option, struct device_state *state)
{
    struct device *device = make_device(option);

    if (!device)
        return false;
    device_init(device, state, &memory, &host);
    devices[option->index] = device;
    device->irq_fd = domain_irqfd(option->index);
    if (device->irq_fd < 0)
        return false;
    for (unsigned queue = 0; queue < device->queues; queue++)
        if (!add_queue(device, queue))
            return false;
    return true;
}

static int add_devices(struct backend_state *state)
{
    for (unsigned i = 0; i < options.devices; i++) {
        const struct device_option *option = &options.device[i];
        char what[80];
        errno = 0;
        if (add_device(option, &state->device[option->index]))
            continue;
        snprintf(what, sizeof(what), "cannot set up device %u (%s)%s", option->index, option->word,
                 option->kind == KIND_VSOCK && errno == EADDRINUSE
                     ? ", its cid is another domain's: change it"
                     : "");
        return fail(what, errno ? errno : EPROTO);
    }
    return 0;
}

static void drain_uart(void)
{
    uint8_t data[512];
    size_t size;

    while ((size = domain_console_read(data, sizeof(data))) > 0)
        terminal_output(data, size);
}

/* Typed bytes go to virtio-console once the guest prints there, to the PL011 before. */
static size_t type_in(const uint8_t *data, size_t size)
{
    static const struct itimerspec soon = {.it_value.tv_nsec = UART_RETRY_NS};

    if (console_in_use())
        return console_input(data, size);
    size_t taken = domain_console_write(data, size);
    if (taken < size)
        timerfd_settime(uart_retry.fd, 0, &soon, NULL);
    return taken;
}

static void uart_has_room(struct loop_source *source, uint32_t ready)
{
    uint64_t count;

    (void)ready;
    if (read(source->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        terminal_retry();
}

static void access_register(const struct tarn_event *event)
{
    struct device *device = event->device < TARN_MAX_VDEVS ? devices[event->device] : NULL;
    uint64_t value = 0;

    if (event->device == options.watchdog)
        value = watchdog_access(event->write, event->offset, event->size, event->value);
    else if (device && event->write)
        device_write(device, event->offset, event->size, event->value);
    else if (device)
        value = device_read(device, event->offset, event->size);
    domain_reply(event->vcpu, value);
}

static void state_changed(unsigned state)
{
    watchdog_run(state == TARN_STATE_RUNNING);
    if (state >= TARN_STATE_SHUTDOWN)
        loop_stop();
}

static void domain_ready(struct loop_source *source, uint32_t ready)
{
    struct tarn_event event;
    int error = 0;

    (void)source;
    (void)ready;
    /* More than can be there at a time; others have their turn before those that come meanwhile. */
    for (unsigned i = 0; i < EVENTS && (error = domain_next_event(&event)) == 0; i++) {
        if (event.type == TARN_EV_REQUEST)
            access_register(&event);
        else if (event.type == TARN_EV_CONSOLE)
            drain_uart();
        else if (event.type == TARN_EV_STATE)
            state_changed(event.state);
    }
    if (error && error != EAGAIN)
        loop_stop();
}

static const char *change_medium(unsigned index, int fd, uint64_t sectors)
{
    struct device *device = index < TARN_MAX_VDEVS ? devices[index] : NULL;

    if (device && block_change(device, fd, sectors))
        return "ok";
    close(fd);
    return "its backend cannot change that disk";
}

/* Refreshes that the guest wrote in time count, however late we come. The end is a STATE event. */
static void watchdog_ready(struct loop_source *source, uint32_t ready)
{
    domain_ready(source, ready);
    if (watchdog_expired())
        domain_watchdog();
}

static void stop_on_signal(struct loop_source *source, uint32_t ready)
{
    (void)source;
    (void)ready;
    loop_stop();
}

static bool add_sources(struct backend_state *state)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signals = (struct loop_source){.events = EPOLLIN, .ready = stop_on_signal};
    signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    uart_retry = (struct loop_source){.events = EPOLLIN, .ready = uart_has_room};
    uart_retry.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    events =
        (struct loop_source){.fd = options.domain_fd, .events = EPOLLIN, .ready = domain_ready};
    watchdog = (struct loop_source){.events = EPOLLIN, .ready = watchdog_ready};
    watchdog.fd = watchdog_open(&state->watchdog, domain_counter_hz());
    return signals.fd >= 0 && uart_retry.fd >= 0 && watchdog.fd >= 0 && loop_add(&signals) &&
           loop_add(&uart_retry) && loop_add(&watchdog) && loop_add(&events);
}

static int run(struct backend_state *state)
{
    drain_uart();
    for (unsigned i = 0; i < TARN_MAX_VDEVS; i++)
        if (devices[i])
            device_resume(devices[i]);
    state->lives++;
    if (options.ready_fd >= 0) {
        if (write(options.ready_fd, "r", 1) != 1)
            return fail("cannot tell the supervisor", errno);
        close(options.ready_fd);
    }
    loop_run();
    aio_drain();
    drain_uart();
    terminal_flush();
    return 0;
}

int main(int argc, char **argv)
{
    if (!options_parse(&options, argc, argv))
        return 1;
    if (!loop_init() || !workers_start() || !aio_start(true))
        return fail("cannot start", errno);
    int error = domain_open(options.domain_fd, options.memory, &memory);
    if (error)
        return fail("cannot map the domain's memory", error);
    struct backend_state *state =
        mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, options.state_fd, 0);
    if (state == MAP_FAILED)
        return fail("cannot map its state", errno);
    if (state->size && state->size != sizeof(*state))
        return fail("its state is of another version of Tarn: create the domain anew", EPROTO);
    state->size = sizeof(*state);
    log_file_open(options.log_fd, options.old_log_fd);
    error = terminal_open(&state->terminal, options.terminal_fd, type_in);
    if (!error)
        error = control_open(options.control_fd, change_medium);
    if (error)
        return fail("cannot listen", error);
    if (add_devices(state))
        return 1;
    if (!add_sources(state))
        return fail("cannot wait for events", errno);
    error = sandbox_enter();
    if (error)
        return fail("cannot confine itself by seccomp", error);
    return run(state);
}
