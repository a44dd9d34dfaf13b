/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's log. Confined as it is the backend cannot rename files, so bytes are moved between
 * two that are open.
 */
#include "guests/dom0/backend/log_file.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK 16384

static int log_fd = -1, old_fd = -1;
static uint64_t used; /* bytes in the log, as far as we know */

void log_file_open(int fd, int old)
{
    log_fd = fd;
    old_fd = old;
    used = LOG_FILE_LIMIT; /* the first byte asks how much is there */
}

static bool copy(uint64_t from, uint64_t size)
{
    static uint8_t chunk[CHUNK];

    for (uint64_t done = 0; done < size;) {
        struct iovec iov = {chunk, size - done < CHUNK ? size - done : CHUNK};
        ssize_t got = preadv(log_fd, &iov, 1, (off_t)(from + done));
        iov.iov_len = got > 0 ? (size_t)got : 0;
        if (got <= 0 || pwritev(old_fd, &iov, 1, (off_t)done) != got)
            return false;
        done += (uint64_t)got;
    }
    return true;
}

/*
 * The log may be full: its last LOG_FILE_LIMIT bytes become the old one. Somebody else may have cut
 * it short meanwhile, as logrotate does.
 */
static void make_room(void)
{
    off_t size = lseek(log_fd, 0, SEEK_END);

    used = size > 0 ? (uint64_t)size : 0;
    if (used < LOG_FILE_LIMIT)
        return;
    if (ftruncate(old_fd, 0) == 0)
        copy(used - LOG_FILE_LIMIT, LOG_FILE_LIMIT);
    used = 0;
    if (ftruncate(log_fd, 0) != 0)
        log_fd = -1;
}

void log_file_append(const uint8_t *data, size_t size)
{
    while (size > 0 && log_fd >= 0) {
        size_t part = size;
        if (old_fd >= 0 && used >= LOG_FILE_LIMIT)
            make_room();
        if (old_fd >= 0 && part > LOG_FILE_LIMIT - used)
            part = LOG_FILE_LIMIT - used;
        ssize_t written = log_fd >= 0 ? write(log_fd, data, part) : -1;
        if (written < 0 && errno == EAGAIN)
            return; /* a pipe whose reader dawdles misses it */
        if (written < 0)
            log_fd = -1;
        else {
            used += (size_t)written;
            data += written;
            size -= (size_t)written;
        }
    }
}
