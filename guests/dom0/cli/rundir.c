/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of running domains.
 */
#include "guests/dom0/cli/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

void run_each_ended(void (*fn)(const char *name, const char *how))
{
    struct dirent **list;
    int count = scandir(RUNDIR "/last", &list, is_ended, alphasort);

    for (int i = 0; i < count; i++) {
        char name[32], how[256];
        snprintf(name, sizeof(name), "%.31s", list[i]->d_name);
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
