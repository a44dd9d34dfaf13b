/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of running domains.
 */
#include "guests/dom0/cli/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct run_path run_path(const char *name, const char *file)
{
    struct run_path path;

    snprintf(path.text, sizeof(path.text), "%s/%s%s%s", RUNDIR, name, file[0] ? "/" : "", file);
    return path;
}

static bool make_folder(const char *path, mode_t mode)
{
    return mkdir(path, mode) == 0 || errno == EEXIST;
}

int run_lock(const char *name, unsigned seconds)
{
    static const struct timespec moment = {.tv_nsec = 50000000};

    if (!make_folder(RUNDIR, 0755) || !make_folder(RUNDIR "/lock", 0700))
        return -1;
    int fd = open(run_path("lock", name).text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (unsigned tries = 20 * seconds; fd >= 0; tries--) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (tries == 0)
            break;
        nanosleep(&moment, NULL);
    }
    if (fd >= 0)
        close(fd);
    errno = EBUSY;
    return -1;
}

void run_remove(const char *name)
{
    struct run_path folder = run_path(name, "");
    DIR *dir = opendir(folder.text);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder.text);
}

bool run_make(const char *name)
{
    run_remove(name);
    return mkdir(run_path(name, "").text, 0755) == 0;
}

bool run_write(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write(fd, data, size) == (ssize_t)size;

    if (fd >= 0)
        close(fd);
    return good;
}

bool run_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t size = -1;

    while (out >= 0 && (size = sendfile(out, in, NULL, 1 << 20)) > 0)
        continue;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return out >= 0 && size == 0;
}

void run_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
}

void run_note_end(const char *name, const char *how)
{
    char line[256];
    char when[32];
    time_t now = time(NULL);
    struct tm tm;

    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &tm));
    int size = snprintf(line, sizeof(line), "%s %s\n", when, how);
    make_folder(RUNDIR "/last", 0755);
    run_write(run_path("last", name).text, line, (size_t)size);
}

struct run_path run_error_path(const char *name)
{
    struct run_path path = run_path("last", name);

    strcat(path.text, "~error"); /* no name holds a tilde */
    return path;
}

void run_note_error(const char *name, const char *error)
{
    make_folder(RUNDIR "/last", 0755);
    if (error[0])
        run_write(run_error_path(name).text, error, strlen(error));
    else
        unlink(run_error_path(name).text);
}
