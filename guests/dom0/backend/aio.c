/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One io_uring for all files; its descriptor is readable when there are completions. The kernel may
 * have no memory to begin anything: what does not fit the ring then goes to the workers, and where
 * no completion is to come, one of them waits a moment before the next try.
 */
#include "guests/dom0/backend/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "guests/dom0/backend/loop.h"

#define ENTRIES   256
#define MOMENT_MS 10

static struct io_uring ring;
static bool have_ring;
static unsigned outstanding; /* put into the ring, done not called yet */
static struct job again;     /* while `paused` */
static bool paused;
static struct loop_source source;

static int mode_of(const struct aio *aio)
{
    return FALLOC_FL_KEEP_SIZE |
           (aio->op == AIO_DISCARD ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
}

static int64_t call(const struct aio *aio)
{
    switch (aio->op) {
    case AIO_READ:
        return preadv(aio->fd, aio->iov, (int)aio->count, (off_t)aio->offset);
    case AIO_WRITE:
        return pwritev(aio->fd, aio->iov, (int)aio->count, (off_t)aio->offset);
    case AIO_FLUSH:
        return fdatasync(aio->fd);
    default:
        return fallocate(aio->fd, mode_of(aio), (off_t)aio->offset, (off_t)aio->bytes);
    }
}

static void run(struct job *job)
{
    struct aio *aio = (struct aio *)job;

    do {
        aio->result = call(aio);
    } while (aio->result < 0 && errno == EINTR);
    if (aio->result < 0)
        aio->result = -errno;
}

static void run_done(struct job *job)
{
    struct aio *aio = (struct aio *)job;

    aio->done(aio);
}

static void reap(void)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&ring, &cqe) == 0) {
        struct aio *aio = io_uring_cqe_get_data(cqe);
        aio->result = cqe->res;
        io_uring_cqe_seen(&ring, cqe);
        outstanding--;
        if (aio->result == -EINTR || aio->result == -EAGAIN)
            aio_submit(aio);
        else
            aio->done(aio);
    }
    aio_kick();
}

static void ready(struct loop_source *unused, uint32_t events)
{
    (void)unused;
    (void)events;
    reap();
}

/* A ring that does what is done here and nothing else: seccomp does not see what goes through it.
 */
static bool open_ring(void)
{
    static const uint8_t allowed[] = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
                                      IORING_OP_FALLOCATE};
    struct io_uring_restriction rule[sizeof(allowed)] = {{0}};

    for (unsigned i = 0; i < sizeof(allowed); i++) {
        rule[i].opcode = IORING_RESTRICTION_SQE_OP;
        rule[i].sqe_op = allowed[i];
    }
    if (io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_R_DISABLED) != 0)
        return false;
    if (io_uring_register_restrictions(&ring, rule, sizeof(allowed)) == 0 &&
        io_uring_enable_rings(&ring) == 0)
        return true;
    io_uring_queue_exit(&ring);
    return false;
}

bool aio_start(bool with_ring)
{
    have_ring = with_ring && open_ring();
    if (!have_ring)
        return true;
    source = (struct loop_source){.fd = ring.ring_fd, .events = EPOLLIN, .ready = ready};
    return loop_add(&source);
}

/* NULL: there is no ring, or it is full and the kernel takes nothing of it now. */
static struct io_uring_sqe *next_entry(void)
{
    struct io_uring_sqe *sqe = have_ring ? io_uring_get_sqe(&ring) : NULL;

    if (!sqe && have_ring && io_uring_submit(&ring) > 0)
        sqe = io_uring_get_sqe(&ring);
    return sqe;
}

static void prepare(struct io_uring_sqe *sqe, const struct aio *aio)
{
    switch (aio->op) {
    case AIO_READ:
        io_uring_prep_readv(sqe, aio->fd, aio->iov, aio->count, aio->offset);
        break;
    case AIO_WRITE:
        io_uring_prep_writev(sqe, aio->fd, aio->iov, aio->count, aio->offset);
        break;
    case AIO_FLUSH:
        io_uring_prep_fsync(sqe, aio->fd, IORING_FSYNC_DATASYNC);
        break;
    default:
        io_uring_prep_fallocate(sqe, aio->fd, mode_of(aio), (off_t)aio->offset, (off_t)aio->bytes);
        break;
    }
}

void aio_submit(struct aio *aio)
{
    struct io_uring_sqe *sqe = next_entry();

    if (!sqe) {
        aio->job.run = run;
        aio->job.done = run_done;
        workers_submit(&aio->job);
        return;
    }
    prepare(sqe, aio);
    io_uring_sqe_set_data(sqe, aio);
    outstanding++;
}

static void wait_a_moment(struct job *job)
{
    (void)job;
    poll(NULL, 0, MOMENT_MS);
}

static void try_again(struct job *job)
{
    (void)job;
    paused = false;
    aio_kick();
}

/* What cannot begin now stays in the ring until a completion or, if none is due, for a moment. */
void aio_kick(void)
{
    if (!have_ring || io_uring_sq_ready(&ring) == 0)
        return;
    io_uring_submit(&ring);
    if (paused || io_uring_sq_ready(&ring) < outstanding)
        return;
    paused = true;
    again = (struct job){.run = wait_a_moment, .done = try_again};
    workers_submit(&again);
}

void aio_drain(void)
{
    do {
        workers_drain();
        while (outstanding) {
            if (io_uring_submit_and_wait(&ring, 1) < 0)
                wait_a_moment(NULL);
            reap();
        }
    } while (workers_busy());
}
