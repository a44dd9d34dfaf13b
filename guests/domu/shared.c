/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarn-shared: an example of memory that two domains share, and of its doorbell. In each domain, as
 * root:
 *
 *   tarn-shared list               the regions of this domain: name, address, size
 *   tarn-shared NAME receive       waits for a message and prints it
 *   tarn-shared NAME send TEXT...  waits until the last message was taken, and leaves one
 *
 * Two rules to take from here. The memory is mapped by /dev/mem, which Linux gives the attributes
 * of a device: whole, aligned words, never memcpy. And the doorbell, /dev/virtio-ports/NAME, says
 * that there may be something new; what is new is in memory, and looked at again.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TREE "/sys/firmware/devicetree/base"
#define TEXT 1024

struct region {
    char name[64];
    uint64_t base, size;
};

/* What lies at the region's start. */
struct mailbox {
    uint64_t length; /* of the message, 0: none */
    uint64_t word[TEXT / 8];
};

static int fail(const char *what)
{
    fprintf(stderr, "tarn-shared: %s: %s\n", what, strerror(errno));
    return 1;
}

static bool read_property(const char *node, const char *property, void *to, size_t size)
{
    char path[512];

    snprintf(path, sizeof(path), TREE "/%s/%s", node, property);
    int fd = open(path, O_RDONLY);
    ssize_t got = fd >= 0 ? read(fd, to, size) : -1;
    if (fd >= 0)
        close(fd);
    return got > 0;
}

static bool read_region(const char *node, struct region *region)
{
    uint64_t reg[2];

    memset(region, 0, sizeof(*region));
    if (strncmp(node, "shared-memory@", 14) != 0 ||
        !read_property(node, "label", region->name, sizeof(region->name) - 1) ||
        !read_property(node, "reg", reg, sizeof(reg)))
        return false;
    region->base = be64toh(reg[0]);
    region->size = be64toh(reg[1]);
    return true;
}

/* The region of that name; NULL: prints all. */
static bool find(const char *name, struct region *region)
{
    DIR *tree = opendir(TREE);
    bool found = false;

    for (const struct dirent *entry; tree && !found && (entry = readdir(tree));) {
        if (!read_region(entry->d_name, region))
            continue;
        found = name && strcmp(region->name, name) == 0;
        if (!name)
            printf("%s 0x%llx %lluM\n", region->name, (unsigned long long)region->base,
                   (unsigned long long)region->size >> 20);
    }
    if (tree)
        closedir(tree);
    return found;
}

/* /dev/virtio-ports/NAME is a link that udev makes; this finds the port without it. */
static int open_bell(const char *name)
{
    DIR *ports = opendir("/sys/class/virtio-ports");
    int fd = -1;

    for (const struct dirent *entry; ports && fd < 0 && (entry = readdir(ports));) {
        char path[512], text[64] = "";
        snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(text, sizeof(text), file)) {
            text[strcspn(text, "\n")] = '\0';
            snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
            if (strcmp(text, name) == 0)
                fd = open(path, O_RDWR | O_NONBLOCK);
        }
        if (file)
            fclose(file);
    }
    if (ports)
        closedir(ports);
    return fd;
}

static volatile struct mailbox *map(const struct region *region)
{
    int fd = open("/dev/mem", O_RDWR | O_SYNC);
    void *memory =
        mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)region->base);

    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Rings, if anybody is there; one more than fit is one too many in any case. */
static void ring(int bell)
{
    __sync_synchronize(); /* what was written is there before the bell */
    if (write(bell, "!", 1) < 0 && errno != EAGAIN)
        fail("doorbell");
}

/* Until the mailbox is as wanted. While the other domain is away, its coming is waited for. */
static void wait_until(volatile struct mailbox *mailbox, int bell, bool full)
{
    char rings[64];

    while ((mailbox->length != 0) != full) {
        struct pollfd pollfd = {.fd = bell, .events = POLLIN};
        poll(&pollfd, 1, -1);
        if (pollfd.revents & POLLIN)
            (void)!read(bell, rings, sizeof(rings));
        else
            usleep(100000); /* POLLHUP: nobody there */
    }
    __sync_synchronize();
}

static void receive(volatile struct mailbox *mailbox, int bell)
{
    uint64_t word[TEXT / 8];

    wait_until(mailbox, bell, true);
    uint64_t length = mailbox->length; /* the other domain is not trusted: read once, checked */
    if (length > TEXT)
        length = TEXT;
    for (unsigned i = 0; i < (length + 7) / 8; i++)
        word[i] = mailbox->word[i];
    mailbox->length = 0;
    ring(bell);
    printf("%.*s\n", (int)length, (const char *)word);
}

static void leave(volatile struct mailbox *mailbox, int bell, const char *text)
{
    uint64_t word[TEXT / 8] = {0};
    size_t length = strnlen(text, TEXT);

    memcpy(word, text, length);
    wait_until(mailbox, bell, false);
    for (unsigned i = 0; i < (length + 7) / 8; i++)
        mailbox->word[i] = word[i];
    __sync_synchronize();
    mailbox->length = length;
    ring(bell);
}

int main(int argc, char **argv)
{
    struct region region;

    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        find(NULL, &region);
        return 0;
    }
    bool send = argc > 3 && strcmp(argv[2], "send") == 0;
    if (!send && !(argc == 3 && strcmp(argv[2], "receive") == 0)) {
        fprintf(stderr, "usage: tarn-shared list | NAME receive | NAME send TEXT...\n");
        return 2;
    }
    errno = ENOENT;
    if (!find(argv[1], &region))
        return fail(argv[1]);
    volatile struct mailbox *mailbox = map(&region);
    if (!mailbox)
        return fail("/dev/mem");
    int bell = open_bell(argv[1]);
    if (bell < 0)
        return fail("its port");
    if (!send)
        receive(mailbox, bell);
    for (int i = 3; send && i < argc; i++)
        leave(mailbox, bell, argv[i]);
    return 0;
}
