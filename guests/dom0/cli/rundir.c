/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of running domains.
 */
#include "guests/dom0/cli/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guests/abi/hypercall.h"

struct run_path run_path(const char *name, const char *file)
{
    struct run_path path;

    snprintf(path.text, sizeof(path.text), "%s/%s%s%s", RUNDIR, name, file[0] ? "/" : "", file);
    return path;
}

struct run_path run_port(const char *name, const char *port)
{
    char file[48];

    snprintf(file, sizeof(file), "port.%s", port);
    return run_path(name, file);
}

static bool make_folder(const char *path, mode_t mode)
{
    return mkdir(path, mode) == 0 || errno == EEXIST;
}

/* Whoever had the lock before may have cleared its name away, and it is another file's by now. */
static bool is_named(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

int run_lock(const char *name, unsigned seconds)
{
    static const struct timespec moment = {.tv_nsec = 50000000};

    struct run_path path = run_path("lock", name);
    unsigned tries = 20 * seconds;

    if (!make_folder(RUNDIR, 0755) || !make_folder(RUNDIR "/lock", 0700))
        return -1;
    for (;;) {
        int fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && is_named(fd, path.text))
            return fd;
        close(fd);
        if (!locked && tries-- == 0) {
            errno = EBUSY;
            return -1;
        }
        if (!locked)
            nanosleep(&moment, NULL);
    }
}

void run_unlock(const char *name, int lock)
{
    if (access(run_path(name, "").text, F_OK) != 0)
        unlink(run_path("lock", name).text);
    close(lock);
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
    char next[sizeof(struct run_path) + 8];

    snprintf(next, sizeof(next), "%s~new", path); /* no name holds a tilde */
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write(fd, data, size) == (ssize_t)size && rename(next, path) == 0;
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !good)
        unlink(next);
    errno = error;
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

static struct run_path kept_config(const char *name)
{
    struct run_path path = run_path("last", name);

    strcat(path.text, "~config"); /* no name holds a tilde */
    return path;
}

void run_keep_config(const char *name)
{
    make_folder(RUNDIR "/last", 0755);
    rename(run_path(name, "config").text, kept_config(name).text);
}

bool run_restore_config(const char *name)
{
    return access(kept_config(name).text, F_OK) == 0 && run_make(name) &&
           run_copy(kept_config(name).text, run_path(name, "config").text);
}

void run_ask(const char *name, const char *what)
{
    if (what[0])
        run_write(run_path(name, "asked").text, what, strlen(what));
    else
        unlink(run_path(name, "asked").text);
}

struct run_words run_asked(const char *name)
{
    struct run_words words;

    run_read(run_path(name, "asked").text, words.text, sizeof(words.text));
    return words;
}

/* "2026-01-31 12:00:00 how" */
static void stamp(char *line, size_t size, const char *how)
{
    char when[32];
    time_t now = time(NULL);
    struct tm tm;

    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &tm));
    snprintf(line, size, "%s %s", when, how);
}

void run_note_count(const char *name, const char *file, unsigned count, const char *how)
{
    char line[256], when[224];

    stamp(when, sizeof(when), how);
    int size = snprintf(line, sizeof(line), "%u %s\n", count, when);
    run_write(run_path(name, file).text, line, (size_t)size);
}

unsigned run_count(const char *name, const char *file, struct run_words *how)
{
    char line[256];
    char *rest;

    run_read(run_path(name, file).text, line, sizeof(line));
    unsigned count = (unsigned)strtoul(line, &rest, 10);
    snprintf(how->text, sizeof(how->text), "%s", *rest ? rest + 1 : "");
    return count;
}

bool run_mark_boot(const char *name, const char *how)
{
    return how[0] ? run_write(run_path(name, "boot").text, how, strlen(how))
                  : unlink(run_path(name, "boot").text) == 0;
}

struct run_words run_boot(const char *name)
{
    struct run_words words;

    run_read(run_path(name, "boot").text, words.text, sizeof(words.text));
    return words;
}

void run_mark_building(const char *name, bool building)
{
    if (building)
        run_write(run_path(name, "building").text, "", 0);
    else
        unlink(run_path(name, "building").text);
}

bool run_is_building(const char *name)
{
    return access(run_path(name, "building").text, F_OK) == 0;
}

static int is_ended(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !strchr(entry->d_name, '~');
}

static struct timespec noted_at(const struct dirent *entry)
{
    char path[sizeof(RUNDIR "/last/") + NAME_MAX];
    struct stat st = {.st_size = 0};

    snprintf(path, sizeof(path), RUNDIR "/last/%s", entry->d_name);
    stat(path, &st);
    return st.st_mtim;
}

static int later_first(const struct dirent **a, const struct dirent **b)
{
    struct timespec x = noted_at(*a), y = noted_at(*b);

    if (x.tv_sec != y.tv_sec)
        return x.tv_sec < y.tv_sec ? 1 : -1;
    return x.tv_nsec < y.tv_nsec ? 1 : x.tv_nsec > y.tv_nsec ? -1 : 0;
}

/* Who gives every domain a new name shall not fill the folder: the oldest are forgotten. */
static void forget_old_ends(void)
{
    struct dirent **list;
    int count = scandir(RUNDIR "/last", &list, is_ended, later_first);

    for (int i = 0; i < count; i++) {
        char name[TARN_NAME_SIZE];
        snprintf(name, sizeof(name), "%.*s", TARN_NAME_SIZE - 1, list[i]->d_name);
        if (i >= RUN_MAX_ENDED) {
            unlink(run_path("last", name).text);
            unlink(kept_config(name).text);
        }
        free(list[i]);
    }
    if (count >= 0)
        free(list);
}

void run_each_ended(void (*fn)(const char *name, const char *how))
{
    struct dirent **list;
    int count = scandir(RUNDIR "/last", &list, is_ended, alphasort);

    for (int i = 0; i < count; i++) {
        char name[TARN_NAME_SIZE], how[256];
        snprintf(name, sizeof(name), "%.*s", TARN_NAME_SIZE - 1, list[i]->d_name);
        run_read(run_path("last", name).text, how, sizeof(how));
        fn(name, how);
        free(list[i]);
    }
    if (count >= 0)
        free(list);
}

void run_note_end(const char *name, const char *how)
{
    char line[256];

    stamp(line, sizeof(line), how);
    make_folder(RUNDIR "/last", 0755);
    run_write(run_path("last", name).text, line, strlen(line));
    forget_old_ends();
}

static struct run_path error_path(const char *name)
{
    struct run_path path = run_path("last", name);

    strcat(path.text, "~error"); /* no name holds a tilde */
    return path;
}

void run_ask_error(const char *name)
{
    make_folder(RUNDIR "/last", 0755);
    run_write(error_path(name).text, "", 0);
}

void run_note_error(const char *name, const char *error)
{
    if (access(error_path(name).text, F_OK) == 0)
        run_write(error_path(name).text, error, strlen(error));
}

void run_take_error(const char *name, char *error, size_t size)
{
    run_read(error_path(name).text, error, size);
    unlink(error_path(name).text);
}
