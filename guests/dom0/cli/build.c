/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a domain: memory, devices, kernel, initrd, device tree, entry point.
 */
#include "guests/dom0/cli/build.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "guests/dom0/cli/cache.h"
#include "guests/dom0/cli/fdt.h"
#include "guests/dom0/cli/interrupt.h"
#include "guests/dom0/cli/region.h"
#include "guests/dom0/common/devices.h"
#include "guests/dom0/common/hyper.h"
#include "guests/dom0/common/report.h"

static unsigned long long mib(uint64_t bytes)
{
    return bytes >> 20;
}

static int no_memory(const struct config *config)
{
    struct tarn_machine_info machine;

    hyper_machine(&machine);
    config_error(config, stderr, config->line_memory, "memory",
                 "not enough memory: %s wants %lluM, %lluM are free; lower memory= or destroy a "
                 "domain",
                 config->name, mib(config->memory), mib(machine.pool_free));
    return EXIT_FAILED;
}

static int create(const struct config *config, uint32_t *id, int *fd)
{
    struct tarn_machine_info machine;
    int error = hyper_machine(&machine);

    if (!error && machine.pool_free < config->memory)
        return no_memory(config);
    error = error ? error : hyper_create(config->name, config->vcpus, id, fd);
    if (error == EEXIST) {
        config_error(config, stderr, config->line_name, "name",
                     "a domain %s exists; destroy it first, or change name=", config->name);
        return EXIT_FAILED;
    }
    if (error == EINVAL) {
        config_error(config, stderr, config->line_vcpus, "vcpus",
                     "%u are more than this machine's interrupt controller serves; lower vcpus=",
                     config->vcpus);
        return EXIT_FAILED;
    }
    if (error)
        return report(EXIT_FAILED,
                      "cannot create %s: %s; Tarn itself is out of memory or of "
                      "domains: destroy one",
                      config->name, strerror(error));
    return EXIT_GOOD;
}

/* Why a vCPU cannot run where the file says. */
static int no_cpus(const struct config *config, int error)
{
    int line = config->dedicated ? config->line_dedicated : config->line_cpus;
    const char *key = config->dedicated ? "dedicated" : "cpus";

    if (error == EINVAL)
        config_error(config, stderr, config->line_cpus, "cpus",
                     "this machine has none of these CPUs; see tarn info");
    else if (error == EBUSY && config->dedicated)
        config_error(config, stderr, line, key,
                     "no CPU is left for each of its %u vCPUs: others may run nowhere else; see "
                     "tarn vcpu-list, start the machine with fewer dom0_vcpus=, or drop dedicated",
                     config->vcpus);
    else if (error == EBUSY)
        config_error(config, stderr, line, key,
                     "these CPUs are dedicated to other domains; see tarn vcpu-list");
    else
        config_error(config, stderr, line, key, "%s", strerror(error));
    return EXIT_FAILED;
}

int domain_schedule(const struct config *config, uint32_t id)
{
    uint32_t weight = config->weight;
    uint64_t cap = config->cap;
    int error = hyper_share(id, &weight, &cap);

    if (error)
        return report(EXIT_FAILED, "%s: cannot set its weight: %s", config->name, strerror(error));
    if (!config->dedicated && config->cpus == UINT64_MAX)
        return EXIT_GOOD;
    for (unsigned i = 0; i < config->vcpus; i++) {
        uint64_t cpus = config->cpus;
        bool dedicated = config->dedicated;
        error = hyper_affinity(id, i, &cpus, &dedicated);
        if (error)
            return no_cpus(config, error);
    }
    return EXIT_GOOD;
}

static int add_devices(const struct config *config, int fd)
{
    struct slot slot[MAX_SLOTS];
    unsigned count = devices_of(config, slot);

    for (unsigned i = 0; i < count; i++) {
        struct tarn_vdev_create arg = {
            .index = i, .device_id = slot[i].device_id, .queues = slot[i].queues};
        if (ioctl(fd, TARN_VDEV_CREATE, &arg) != 0)
            return report(EXIT_FAILED, "%s: cannot make device %u: %s", config->name, i,
                          strerror(errno));
    }
    return EXIT_GOOD;
}

/* Reads a whole file to memory of the guest. */
static bool load(int file, uint8_t *to, uint64_t size)
{
    uint64_t done = 0;

    while (done < size) {
        ssize_t n = pread(file, to + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    return true;
}

static int make_tree(const struct config *config, const struct layout *layout, uint8_t *to)
{
    struct fdt_seeds seeds;
    unsigned gic = machine_gic_version();

    if (gic == 0)
        return report(EXIT_FAILED,
                      "no interrupt controller in dom0's device tree; run tarn in dom0 "
                      "of Tarn");
    if (getrandom(&seeds, sizeof(seeds), 0) != (ssize_t)sizeof(seeds))
        return report(EXIT_FAILED, "no random numbers: %s", strerror(errno));
    int error = fdt_make(to, FDT_ROOM, config, layout, gic, &seeds);
    explicit_bzero(&seeds, sizeof(seeds));
    if (error)
        return report(EXIT_FAILED, "%s: cannot write its device tree: %s", config->name,
                      fdt_strerror(error));
    return EXIT_GOOD;
}

/* The guest begins with its caches off: what it reads must be in memory. */
static int load_all(const struct config *config, const struct sources *s, uint8_t *ram)
{
    const struct layout *layout = &s->layout;
    uint8_t *kernel = ram + (layout->kernel - DOMU_RAM_BASE);
    uint8_t *tree = ram + (layout->device_tree - DOMU_RAM_BASE);
    uint8_t *initrd = ram + (layout->initrd - DOMU_RAM_BASE);

    if (!load(s->kernel, kernel, s->image.file_size))
        return report(EXIT_FAILED, "%s: cannot be read: %s", config->kernel, strerror(errno));
    if (s->initrd_size && !load(s->initrd, initrd, s->initrd_size))
        return report(EXIT_FAILED, "%s: cannot be read: %s", config->initrd, strerror(errno));
    int code = make_tree(config, layout, tree);
    cache_clean(kernel, s->image.file_size);
    cache_clean(initrd, s->initrd_size);
    cache_clean(tree, FDT_ROOM);
    return code;
}

static int populate_and_load(const struct config *config, const struct sources *s, int fd)
{
    int error = hyper_populate(fd, DOMU_RAM_BASE, config->memory);

    if (error == ENOMEM)
        return no_memory(config);
    if (error)
        return report(EXIT_FAILED, "%s: cannot get its memory: %s", config->name, strerror(error));
    size_t size = s->layout.end - DOMU_RAM_BASE;
    uint8_t *ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ram == MAP_FAILED)
        return report(EXIT_FAILED, "%s: cannot map its memory: %s", config->name, strerror(errno));
    int code = load_all(config, s, ram);
    munmap(ram, size);
    return code;
}

static int set_entry(const struct config *config, const struct sources *s, int fd)
{
    struct tarn_vcpu_init entry = {.pc = s->layout.kernel, .x0 = s->layout.device_tree};

    if (ioctl(fd, TARN_VCPU_INIT, &entry) == 0)
        return EXIT_GOOD;
    return report(EXIT_FAILED, "%s: cannot set its entry: %s", config->name, strerror(errno));
}

int domain_build(const struct config *config, const struct sources *sources, int *fd)
{
    uint32_t id;

    *fd = -1;
    int code = create(config, &id, fd);
    if (code)
        return code;
    code = domain_schedule(config, id);
    if (!code)
        code = populate_and_load(config, sources, *fd);
    if (!code)
        code = regions_join(config, *fd);
    if (!code)
        code = interrupted() ? EXIT_FAILED : add_devices(config, *fd);
    if (!code)
        code = set_entry(config, sources, *fd);
    if (code) {
        hyper_destroy(*fd);
        close(*fd);
        *fd = -1;
    }
    return code;
}
