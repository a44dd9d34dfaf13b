/* SPDX-License-Identifier: Apache-2.0 */
/* The console's log: of bounded size, and what was appended last is in one file or the other. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/dom0/backend/log_file.h"

static char path[] = "/tmp/tarn-log-XXXXXX", old_path[] = "/tmp/tarn-log-XXXXXX";
static int log_fd, old_fd;
static uint8_t stream[5 * LOG_FILE_LIMIT];

static size_t size_of(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    return (size_t)st.st_size;
}

/* The two files one after the other are the end of the first `size` bytes of the stream. */
static void expect_end_of(size_t size)
{
    static uint8_t text[2 * LOG_FILE_LIMIT];
    size_t old = size_of(old_fd), now = size_of(log_fd);

    assert_true(now <= LOG_FILE_LIMIT && old <= LOG_FILE_LIMIT);
    assert_true(old == LOG_FILE_LIMIT || old + now == size);
    assert_int_equal(pread(old_fd, text, old, 0), old);
    assert_int_equal(pread(log_fd, text + old, now, 0), now);
    assert_memory_equal(text, stream + size - old - now, old + now);
}

static void append(size_t from, size_t to, size_t most)
{
    while (from < to) {
        size_t part = 1 + unit_random_below((uint32_t)most);
        part = part < to - from ? part : to - from;
        log_file_append(stream + from, part);
        from += part;
        expect_end_of(from);
    }
}

static void begin(void)
{
    log_fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600);
    old_fd = open(old_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    log_file_open(log_fd, old_fd);
}

static void end(void)
{
    close(log_fd);
    close(old_fd);
}

static void test_bounded(void **state)
{
    (void)state;
    begin();
    append(0, sizeof(stream), 100000);
    end();
    begin();
    append(0, sizeof(stream), 3 * LOG_FILE_LIMIT);
    end();
}

/* One that is there already, larger than it may be; one that somebody cuts. */
static void test_of_others(void **state)
{
    (void)state;
    begin();
    assert_int_equal(write(log_fd, stream, 3 * LOG_FILE_LIMIT), 3 * LOG_FILE_LIMIT);
    log_file_open(log_fd, old_fd);
    append(3 * LOG_FILE_LIMIT, 3 * LOG_FILE_LIMIT + 10, 10);
    assert_int_equal(size_of(old_fd), LOG_FILE_LIMIT);
    log_file_append(stream, LOG_FILE_LIMIT - 20);
    assert_int_equal(ftruncate(log_fd, 0), 0);
    log_file_append(stream, 20);
    assert_int_equal(size_of(log_fd), 20);
    end();
}

/* A terminal or a pipe, one that cannot be written, none. */
static void test_no_file(void **state)
{
    uint8_t text[10];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_file_open(ends[1], -1);
    log_file_append((const uint8_t *)"0123456789", 10);
    assert_int_equal(read(ends[0], text, 10), 10);
    close(ends[1]);
    close(ends[0]);
    log_file_append(text, 10);
    log_file_open(-1, -1);
    log_file_append(text, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_of_others),
        cmocka_unit_test(test_no_file),
    };

    close(mkstemp(path));
    close(mkstemp(old_path));
    for (size_t i = 0; i < sizeof(stream); i++)
        stream[i] = (uint8_t)unit_random();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink(old_path);
    return failed;
}
