/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that nothing is lost on disks and networks, and a request/response load. One static
 * program, run in dom0 and in a domU. Each command prints one line of NAME=VALUE words and exits 0,
 * or says what is wrong.
 *
 *   load pattern PATH BYTES SECONDS           writes and reads back with O_DIRECT
 *   load serve PORT                           the far end of the next ones, for ever
 *   load ping HOST PORT SECONDS               one byte there and back, again and again
 *   load check HOST PORT SECONDS              known bytes both ways, compared at both ends
 *
 * HOST is an address for TCP, or "vsock:CID". What was found wrong is errors=N, and exit code 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS    8
#define CELL       4096 /* the pattern's unit: each has a generation */
#define MOST_CELLS 64   /* of one request */
#define CHUNK      65536

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *aligned(size_t size)
{
    void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

    if (!memory)
        die("memory");
    return memory;
}

/* xorshift64* */
static uint64_t random64(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

/* ---- disk ---- */

static struct {
    int fd;
    uint64_t cells;
    double end;
    atomic_ullong done, errors;
    uint32_t *generation; /* of each cell */
} disk;

/* What a cell of a generation holds: every word tells where and when it was written. */
static void fill(uint64_t *words, uint64_t cell, uint32_t generation)
{
    uint64_t seed = (cell + 1) * 0x9e3779b97f4a7c15ull ^ (uint64_t)(generation + 1) << 32;

    for (unsigned i = 0; i < CELL / 8; i++)
        words[i] = random64(&seed);
}

static void check_cells(const uint8_t *buffer, uint64_t first, unsigned count)
{
    uint64_t expected[CELL / 8];

    for (unsigned i = 0; i < count; i++) {
        fill(expected, first + i, disk.generation[first + i]);
        if (memcmp(expected, buffer + (size_t)i * CELL, CELL) == 0)
            continue;
        if (atomic_fetch_add(&disk.errors, 1) < 5)
            fprintf(stderr, "load: cell %llu is not of generation %u\n",
                    (unsigned long long)(first + i), disk.generation[first + i]);
    }
}

static void transfer(uint8_t *buffer, uint64_t first, unsigned count, bool write)
{
    size_t size = (size_t)count * CELL;
    off_t at = (off_t)(first * CELL);
    ssize_t n = write ? pwrite(disk.fd, buffer, size, at) : pread(disk.fd, buffer, size, at);

    if (n != (ssize_t)size)
        die(write ? "write" : "read");
    atomic_fetch_add(&disk.done, 1);
}

/* Each thread has cells of its own, so what it wrote last is what has to be there. */
static void *pattern_thread(void *argument)
{
    uint64_t each = disk.cells / THREADS;
    uint64_t base = (uintptr_t)argument * each;
    uint64_t seed = 362436069 + base;
    uint8_t *buffer = aligned(MOST_CELLS * CELL);

    for (unsigned turn = 0; now() < disk.end; turn++) {
        unsigned count = 1 + (unsigned)(random64(&seed) % MOST_CELLS);
        uint64_t first = base + random64(&seed) % (each - count);
        bool write = random64(&seed) % 4 != 0;
        for (unsigned i = 0; write && i < count; i++)
            fill((uint64_t *)(void *)(buffer + (size_t)i * CELL), first + i,
                 ++disk.generation[first + i]);
        transfer(buffer, first, count, write);
        if (!write)
            check_cells(buffer, first, count);
        if (turn % 64 == 63 && fdatasync(disk.fd) != 0)
            die("fdatasync");
    }
    free(buffer);
    return NULL;
}

static void pattern_all(bool write)
{
    uint8_t *buffer = aligned(MOST_CELLS * CELL);

    for (uint64_t first = 0; first < disk.cells; first += MOST_CELLS) {
        unsigned count =
            disk.cells - first < MOST_CELLS ? (unsigned)(disk.cells - first) : MOST_CELLS;
        for (unsigned i = 0; write && i < count; i++)
            fill((uint64_t *)(void *)(buffer + (size_t)i * CELL), first + i, 0);
        transfer(buffer, first, count, write);
        if (!write)
            check_cells(buffer, first, count);
    }
    free(buffer);
}

static void run_threads(void)
{
    pthread_t thread[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        errno = pthread_create(&thread[i], NULL, pattern_thread, (void *)(uintptr_t)i);
        if (errno)
            die("thread");
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static int pattern(char **argument)
{
    disk.fd = open(argument[0], O_RDWR | O_DIRECT);
    if (disk.fd < 0)
        die(argument[0]);
    disk.cells = strtoull(argument[1], NULL, 0) / CELL;
    disk.generation = calloc(disk.cells, sizeof(*disk.generation));
    if (!disk.generation || disk.cells < (uint64_t)THREADS * (MOST_CELLS + 1)) {
        errno = EINVAL;
        die("size");
    }
    pattern_all(true);
    disk.end = now() + atof(argument[2]);
    run_threads();
    pattern_all(false);
    printf("requests=%llu errors=%llu\n", (unsigned long long)atomic_load(&disk.done),
           (unsigned long long)atomic_load(&disk.errors));
    return atomic_load(&disk.errors) != 0;
}

/* ---- network ---- */

/* Connects to "A.B.C.D" by TCP or to "vsock:CID". */
static int connect_to(const char *host, uint16_t port)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_port = port};
    int one = 1;

    if (sscanf(host, "vsock:%u", &vm.svm_cid) == 1) {
        int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
        return connect(fd, (struct sockaddr *)&vm, sizeof(vm)) == 0 ? fd : -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, host, &inet.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&inet, sizeof(inet)) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static int dial(const char *host, const char *port, char mode)
{
    int fd = connect_to(host, (uint16_t)atoi(port));

    if (fd < 0)
        die(host);
    if (write(fd, &mode, 1) != 1)
        die("write");
    return fd;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static void known(uint8_t *buffer, uint64_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)((at + i) * 0x9e3779b1u >> 13);
}

/* Bytes that are not what is known to come at `at`. */
static uint64_t differences(const uint8_t *buffer, uint64_t at, size_t size)
{
    static _Thread_local uint8_t expected[CHUNK];
    uint64_t count = 0;

    known(expected, at, size);
    for (size_t i = 0; i < size; i++)
        count += buffer[i] != expected[i];
    return count;
}

/* The server's half of a connection, by its first byte. */
static void *serve_one(void *argument)
{
    int fd = (int)(uintptr_t)argument;
    uint8_t *buffer = aligned(CHUNK);
    uint64_t at = 0;
    ssize_t n;
    uint8_t mode = 0;

    if (read(fd, &mode, 1) != 1)
        mode = 0;
    while (mode && (n = read(fd, buffer, mode == 'p' ? 1 : CHUNK)) > 0) {
        if (mode == 'c' && differences(buffer, at, (size_t)n) != 0) {
            fprintf(stderr, "load: bytes from %llu on are not what was sent\n",
                    (unsigned long long)at);
            break; /* the client sees a short stream */
        }
        if (!write_all(fd, buffer, (size_t)n))
            break;
        at += (uint64_t)n;
    }
    close(fd);
    free(buffer);
    return NULL;
}

/* Serves whoever comes to a listening socket, for ever. */
static void *accept_all(void *argument)
{
    int fd = (int)(uintptr_t)argument;
    int one = 1;
    pthread_t thread;

    for (;;) {
        int next = accept(fd, NULL, NULL);
        if (next < 0)
            continue;
        setsockopt(next, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (pthread_create(&thread, NULL, serve_one, (void *)(uintptr_t)next) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

/* By TCP, and by vsock where there is such. */
static void serve(const char *port)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    struct sockaddr_vm vm = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = (unsigned)atoi(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int vsock = socket(AF_VSOCK, SOCK_STREAM, 0);
    int one = 1;
    pthread_t thread;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&inet, sizeof(inet)) != 0 || listen(fd, 16) != 0)
        die("listen");
    if (vsock >= 0 && bind(vsock, (struct sockaddr *)&vm, sizeof(vm)) == 0 &&
        listen(vsock, 16) == 0)
        pthread_create(&thread, NULL, accept_all, (void *)(uintptr_t)vsock);
    accept_all((void *)(uintptr_t)fd);
}

static int ping(char **argument)
{
    int fd = dial(argument[0], argument[1], 'p');
    double begin = now(), end = begin + atof(argument[2]);
    uint64_t turns = 0;
    uint8_t byte = 0;

    for (; now() < end; turns++)
        if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
            die("ping");
    printf("requests=%llu bytes=%llu seconds=%.3f\n", (unsigned long long)turns,
           (unsigned long long)turns, now() - begin);
    return 0;
}

static int check_fd;
static double check_end;
static uint64_t check_sent;

static void *check_sender(void *unused)
{
    uint8_t *buffer = aligned(CHUNK);

    for (; now() < check_end; check_sent += CHUNK) {
        known(buffer, check_sent, CHUNK);
        if (!write_all(check_fd, buffer, CHUNK))
            die("send");
    }
    shutdown(check_fd, SHUT_WR);
    free(buffer);
    return unused;
}

static int check(char **argument)
{
    uint8_t *buffer = aligned(CHUNK);
    uint64_t got = 0, wrong = 0;
    pthread_t thread;
    ssize_t n;

    check_fd = dial(argument[0], argument[1], 'c');
    check_end = now() + atof(argument[2]);
    errno = pthread_create(&thread, NULL, check_sender, NULL);
    if (errno)
        die("thread");
    while ((n = read(check_fd, buffer, CHUNK)) > 0) {
        wrong += differences(buffer, got, (size_t)n);
        got += (uint64_t)n;
    }
    if (n < 0)
        fprintf(stderr, "load: receive: %s\n", strerror(errno));
    pthread_join(thread, NULL);
    wrong += check_sent - got;
    printf("bytes=%llu errors=%llu\n", (unsigned long long)got, (unsigned long long)wrong);
    return wrong != 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    signal(SIGPIPE, SIG_IGN);
    if (strcmp(command, "pattern") == 0 && argc == 5)
        return pattern(argv + 2);
    if (strcmp(command, "serve") == 0 && argc == 3)
        serve(argv[2]);
    if (strcmp(command, "check") == 0 && argc == 5)
        return check(argv + 2);
    if (strcmp(command, "ping") == 0 && argc == 5)
        return ping(argv + 2);
    fprintf(stderr, "load: see the head of tests/bench/io/load.c for its commands\n");
    return 2;
}
