/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of a configuration against the machine.
 */
#include "guests/dom0/cli/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/abi/domu.h"
#include "guests/dom0/cli/rundir.h"

#define GICV2_VCPUS    8
#define MAX_INITRD_GAP (32ull << 30) /* kernel to initrd, booting.rst */

/* The domain's supervisor, who uses the files again, works in another folder. */
static bool check_whole(const struct config *c, FILE *errors, int line, const char *key,
                        const char *path)
{
    if (path[0] == '/')
        return true;
    config_error(c, errors, line, key, "'%s' does not begin with '/'; give the whole path", path);
    return false;
}

static int open_file(const struct config *c, FILE *errors, int line, const char *key,
                     const char *path)
{
    if (!check_whole(c, errors, line, key, path))
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        config_error(c, errors, line, key, "%s: %s; give the path of a file that can be read", path,
                     strerror(errno));
    return fd;
}

static bool check_kernel(const struct config *c, struct sources *s, FILE *errors)
{
    s->kernel = open_file(c, errors, c->line_kernel, "kernel", c->kernel);
    if (s->kernel < 0)
        return false;
    const char *wrong = image_check(s->kernel, &s->image);
    if (wrong)
        config_error(c, errors, c->line_kernel, "kernel", "%s is not an arm64 Image: %s", c->kernel,
                     wrong);
    return wrong == NULL;
}

static bool check_initrd(const struct config *c, struct sources *s, FILE *errors)
{
    struct stat st;

    if (!c->initrd)
        return true;
    s->initrd = open_file(c, errors, c->line_initrd, "initrd", c->initrd);
    if (s->initrd < 0)
        return false;
    if (fstat(s->initrd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        config_error(c, errors, c->line_initrd, "initrd",
                     "%s is not a file with something in it; leave the key out for no initrd",
                     c->initrd);
        return false;
    }
    s->initrd_size = (uint64_t)st.st_size;
    return true;
}

static bool check_fit(const struct config *c, struct sources *s, FILE *errors)
{
    s->layout = image_layout(&s->image, s->initrd_size);
    uint64_t needed = s->layout.end - DOMU_RAM_BASE;
    if (needed <= c->memory && needed < MAX_INITRD_GAP)
        return true;
    config_error(c, errors, c->line_memory, "memory",
                 "%lluM is too little: kernel and initrd alone take %lluM; use more",
                 (unsigned long long)c->memory >> 20, (unsigned long long)needed >> 20);
    return false;
}

static bool check_disk(const struct config *c, const struct config_disk *disk, FILE *errors)
{
    struct stat st;

    if (!check_whole(c, errors, disk->line, "path", disk->path))
        return false;
    int fd = open(disk->path, (disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const char *remedy = errno == EROFS || errno == EACCES ? "; or say readonly = true" : "";
        config_error(c, errors, disk->line, "path",
                     "disk \"%s\": %s: %s; give a file or block device%s", disk->title, disk->path,
                     strerror(errno), remedy);
        return false;
    }
    bool good =
        fstat(fd, &st) == 0 && (S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size >= 512));
    close(fd);
    if (!good)
        config_error(c, errors, disk->line, "path",
                     "disk \"%s\": %s holds no disk; give a raw image or a block device",
                     disk->title, disk->path);
    return good;
}

/* A disk has one opening that writes, and here would be two. */
static bool check_twice(const struct config *c, unsigned number, FILE *errors)
{
    const struct config_disk *disk = &c->disk[number];
    struct stat ours, other;

    for (unsigned i = 0; i < number; i++) {
        bool same_address = disk->remote && strcmp(disk->path, c->disk[i].path) == 0;
        if (c->disk[i].readonly && disk->readonly)
            continue;
        if (!same_address && (stat(disk->path, &ours) != 0 || stat(c->disk[i].path, &other) != 0 ||
                              ours.st_dev != other.st_dev || ours.st_ino != other.st_ino))
            continue;
        config_error(c, errors, disk->line, "path",
                     "disk \"%s\": %s is disk \"%s\" already; give each its own, or both "
                     "readonly = true",
                     disk->title, disk->path, c->disk[i].title);
        return false;
    }
    return true;
}

static bool check_disks(const struct config *c, FILE *errors)
{
    bool good = true;

    for (unsigned i = 0; i < c->disks; i++)
        if (c->disk[i].path[0])
            good = (c->disk[i].remote || check_disk(c, &c->disk[i], errors)) &&
                   check_twice(c, i, errors) && good;
    return good;
}

static bool check_network(const struct config *c, const struct config_network *network,
                          FILE *errors)
{
    char path[64];

    if (strlen(network->bridge) < IFNAMSIZ && !strchr(network->bridge, '/')) {
        snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", network->bridge);
        if (access(path, F_OK) == 0)
            return true;
    }
    config_error(c, errors, network->line, "bridge",
                 "network \"%s\": there is no bridge '%s'; make it: ip link add %s type bridge",
                 network->title, network->bridge, network->bridge);
    return false;
}

static bool check_share(const struct config *c, const struct config_share *share, FILE *errors)
{
    struct stat st;

    if (stat(share->path, &st) == 0 && S_ISDIR(st.st_mode) && !strchr(share->path, ','))
        return true;
    config_error(c, errors, share->line, "path",
                 "share \"%s\": %s is no folder; give one, without a comma in its name", share->tag,
                 share->path);
    return false;
}

/* It can be opened, or made in a folder that is there. */
static bool check_log(const struct config *c, FILE *errors)
{
    if (!c->console_log)
        return true;
    if (!check_whole(c, errors, c->line_log, "log", c->console_log))
        return false;
    int fd = open(c->console_log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        char *folder =
            strndup(c->console_log, (size_t)(strrchr(c->console_log, '/') - c->console_log + 1));
        fd = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        free(folder);
    }
    if (fd < 0) {
        config_error(c, errors, c->line_log, "log", "%s: %s; give a file that can be written",
                     c->console_log, strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

/* A GICv2 has eight CPU interfaces. */
static bool check_vcpus(const struct config *c, FILE *errors)
{
    if (c->vcpus <= GICV2_VCPUS || machine_gic_version() != 2)
        return true;
    config_error(c, errors, c->line_vcpus, "vcpus",
                 "%u are more than this machine's interrupt controller serves; use at most %d",
                 c->vcpus, GICV2_VCPUS);
    return false;
}

bool machine_check(const struct config *config, struct sources *sources, FILE *errors)
{
    *sources = (struct sources){.kernel = -1, .initrd = -1};
    bool files = check_kernel(config, sources, errors);
    files = check_initrd(config, sources, errors) && files;
    bool good = files && check_fit(config, sources, errors);
    good = check_disks(config, errors) && good;
    for (unsigned i = 0; i < config->networks; i++)
        good = check_network(config, &config->network[i], errors) && good;
    for (unsigned i = 0; i < config->shares; i++)
        good = check_share(config, &config->share[i], errors) && good;
    good = check_log(config, errors) && good;
    good = check_vcpus(config, errors) && good;
    if (!good)
        machine_close(sources);
    return good;
}

void machine_close(struct sources *sources)
{
    if (sources->kernel >= 0)
        close(sources->kernel);
    if (sources->initrd >= 0)
        close(sources->initrd);
    sources->kernel = sources->initrd = -1;
}

static unsigned found_gic;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    static const char *const v2[] = {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic",
                                     "arm,cortex-a9-gic"};
    char compatible[64];

    (void)st;
    if (type != FTW_F || strcmp(path + ftw->base, "compatible") != 0)
        return 0;
    run_read(path, compatible, sizeof(compatible)); /* the first of the list */
    if (strcmp(compatible, "arm,gic-v3") == 0)
        found_gic = 3;
    for (unsigned i = 0; i < sizeof(v2) / sizeof(v2[0]); i++)
        if (strcmp(compatible, v2[i]) == 0)
            found_gic = 2;
    return found_gic != 0;
}

unsigned machine_gic_version(void)
{
    found_gic = 0;
    nftw("/sys/firmware/devicetree/base", look_at, 16, FTW_PHYS);
    return found_gic;
}
