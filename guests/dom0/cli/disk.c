/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn attach-disk, detach-disk: a guest on virtio-mmio is told of no new device, but of a disk
 * whose size changes. So a drive that the configuration leaves empty (path = "") is a disk of no
 * sectors until something is put into it.
 */
#include "guests/dom0/cli/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "guests/dom0/cli/commands.h"
#include "guests/dom0/cli/find.h"
#include "guests/dom0/common/config.h"
#include "guests/dom0/common/devices.h"
#include "guests/dom0/common/report.h"

#define LOCK_GRACE     100 /* tries of 10 ms: who just ended may hold it for a moment */
#define ANSWER_SECONDS 30
#define SECTOR         512

static bool lock_disk(int fd, bool readonly, unsigned patience)
{
    struct flock lock = {.l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    static const struct timespec moment = {.tv_nsec = 10000000};

    for (unsigned i = 0; i < LOCK_GRACE + 100 * patience; i++) {
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
            return true;
        if (errno != EAGAIN && errno != EACCES)
            return false;
        nanosleep(&moment, NULL);
    }
    errno = EBUSY;
    return false;
}

int disk_open(const char *path, bool readonly, bool direct, unsigned patience)
{
    int flags = (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
    int fd = open(path, flags | (direct ? O_DIRECT : 0));

    if (fd < 0 && errno == EINVAL)
        fd = open(path, flags);
    if (fd < 0 || lock_disk(fd, readonly, patience))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool disk_in_use(const char *path, bool readonly)
{
    struct flock lock = {.l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    bool taken = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return taken;
}

struct run_path drive_medium(const char *name, unsigned number)
{
    char file[24];

    snprintf(file, sizeof(file), "medium.%u", number);
    return run_path(name, file);
}

/* A drive of a running domain. */
struct drive {
    struct config config;
    unsigned number, index; /* among its disks, its devices */
    const struct config_disk *disk;
};

static int find_drive(struct drive *drive, const char *domain, const char *title)
{
    struct tarn_info info;
    struct slot slot[MAX_SLOTS];
    int code = find_domain(domain, &info);

    if (code)
        return code;
    struct run_path file = run_path(info.name, "config");
    if (info.id == 0 || !config_read(&drive->config, file.text, stderr))
        return report(EXIT_FAILED, "%s: it has no drives", info.name);
    unsigned count = devices_of(&drive->config, slot);
    for (unsigned i = 0; i < count; i++) {
        if (slot[i].kind != SLOT_DISK ||
            strcmp(drive->config.disk[slot[i].number].title, title) != 0)
            continue;
        drive->index = i;
        drive->number = slot[i].number;
        drive->disk = &drive->config.disk[slot[i].number];
    }
    if (drive->disk && drive->disk->path[0] == '\0')
        return EXIT_GOOD;
    return report(EXIT_FAILED,
                  "%s has no drive \"%s\"; configure it beforehand: disk \"%s\" { path = \"\" }",
                  info.name, title, title);
}

/* Sends the backend a request with a descriptor. Returns an exit code. */
static int tell_backend(const struct drive *drive, int medium, unsigned long long sectors)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    char request[64], why[128] = "its backend does not answer";
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS,
                          .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec iov = {.iov_base = request};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    iov.iov_len =
        (size_t)snprintf(request, sizeof(request), "medium %u %llu", drive->index, sectors);
    memcpy(CMSG_DATA(&control.head), &medium, sizeof(int));
    strncpy(address.sun_path, run_path(drive->config.name, "control").text,
            sizeof(address.sun_path) - 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        sendmsg(fd, &message, MSG_NOSIGNAL) > 0) {
        ssize_t got = recv(fd, why, sizeof(why) - 1, 0);
        if (got > 0)
            why[got] = '\0';
    }
    close(fd);
    return strcmp(why, "ok") == 0 ? EXIT_GOOD
                                  : report(EXIT_FAILED, "%s: %s", drive->config.name, why);
}

/* Bytes of a file or block device; 0: it is neither, or empty. */
static uint64_t length_of(int fd)
{
    struct stat st;
    uint64_t bytes = 0;

    if (fstat(fd, &st) != 0 || !(S_ISBLK(st.st_mode) || S_ISREG(st.st_mode)))
        return 0;
    if (S_ISREG(st.st_mode))
        return (uint64_t)st.st_size;
    return ioctl(fd, BLKGETSIZE64, &bytes) == 0 ? bytes : 0;
}

/* Notes the path for backends to come, then tells the one that is. On failure the note is undone.
 */
static int change(const struct drive *drive, int fd, const char *path)
{
    struct run_path note = drive_medium(drive->config.name, drive->number);
    char before[PATH_MAX];

    run_read(note.text, before, sizeof(before));
    if (!run_write(note.text, path, strlen(path)))
        return report(EXIT_FAILED, "%s: cannot be written: %s; make room there", note.text,
                      strerror(errno));
    int code = tell_backend(drive, fd, length_of(fd) / SECTOR);
    if (code)
        run_write(note.text, before, strlen(before));
    return code;
}

static int attach(const struct drive *drive, const char *argument)
{
    char there[PATH_MAX], *path = realpath(argument, NULL);

    run_read(drive_medium(drive->config.name, drive->number).text, there, sizeof(there));
    if (there[0])
        return report(EXIT_FAILED, "%s: drive \"%s\" holds %s; detach it first", drive->config.name,
                      drive->disk->title, there);
    int fd = path ? disk_open(path, drive->disk->readonly, true, 0) : -1;
    if (fd < 0) {
        free(path);
        return report(EXIT_FAILED, "%s: %s", argument,
                      errno == EBUSY ? "another domain uses it; detach it there first"
                                     : strerror(errno));
    }
    int code =
        length_of(fd) < SECTOR
            ? report(EXIT_FAILED, "%s holds no disk; give a raw image or a block device", path)
            : change(drive, fd, path);
    close(fd);
    free(path);
    return code;
}

int command_attach_disk(int argc, char **argv)
{
    struct drive drive = {.disk = NULL};

    if (argc != 4)
        return report(EXIT_USAGE, "usage: tarn attach-disk DOMAIN DRIVE FILE");
    int code = find_drive(&drive, argv[1], argv[2]);
    if (!code)
        code = attach(&drive, argv[3]);
    config_free(&drive.config);
    return code;
}

int command_detach_disk(int argc, char **argv)
{
    struct drive drive = {.disk = NULL};

    if (argc != 3)
        return report(EXIT_USAGE, "usage: tarn detach-disk DOMAIN DRIVE");
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int code = find_drive(&drive, argv[1], argv[2]);
    if (!code)
        code = change(&drive, fd, "");
    close(fd);
    config_free(&drive.config);
    return code;
}
