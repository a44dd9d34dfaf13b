/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 Image header and a domain's memory layout.
 */
#include "guests/dom0/cli/image.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"

#define IMAGE_MAGIC     0x644d5241 /* "ARM\x64" */
#define FLAG_BIG_ENDIAN 1
#define OLD_TEXT_OFFSET 0x80000 /* of images that say nothing (before Linux 3.17) */
#define OLD_BSS         0x1000000

struct image_header {
    uint32_t code[2];
    uint64_t text_offset, image_size, flags, reserved[3];
    uint32_t magic, reserved2;
};

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* What else it may be, for the remedy. */
static const char *wrong_kind(const uint8_t *start)
{
    if (start[0] == 0x1f && start[1] == 0x8b)
        return "it is compressed (gzip); give the uncompressed Image: gunzip it";
    if (memcmp(start,
               "\xfd"
               "7zXZ",
               5) == 0 ||
        memcmp(start, "\x28\xb5\x2f\xfd", 4) == 0)
        return "it is compressed; give the uncompressed Image";
    if (memcmp(start, "\177ELF", 4) == 0)
        return "it is an ELF file; give arch/arm64/boot/Image of that build";
    return "give an uncompressed vmlinuz or Image of arm64";
}

const char *image_check(int fd, struct kernel_image *image)
{
    struct image_header header;
    struct stat st;

    memset(&header, 0, sizeof(header));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "it is not a file; give an uncompressed vmlinuz or Image of arm64";
    ssize_t size = pread(fd, &header, sizeof(header), 0);
    if (size != (ssize_t)sizeof(header) || header.magic != IMAGE_MAGIC)
        return wrong_kind((const uint8_t *)&header);
    if (header.image_size && header.flags & FLAG_BIG_ENDIAN)
        return "it is a big-endian kernel; give a little-endian one";
    image->file_size = (uint64_t)st.st_size;
    image->text_offset = header.image_size ? header.text_offset : OLD_TEXT_OFFSET;
    image->size = header.image_size ? header.image_size : image->file_size + OLD_BSS;
    if (image->size < image->file_size)
        image->size = image->file_size;
    if (image->text_offset >= TARN_BLOCK_SIZE || image->size > DOMU_RAM_MAX)
        return "its header is broken; give an uncompressed vmlinuz or Image of arm64";
    return NULL;
}

struct layout image_layout(const struct kernel_image *image, uint64_t initrd_size)
{
    struct layout layout;

    layout.kernel = DOMU_RAM_BASE + image->text_offset;
    layout.device_tree = round_up(layout.kernel + image->size, TARN_BLOCK_SIZE);
    layout.initrd = layout.device_tree + TARN_BLOCK_SIZE;
    layout.initrd_end = layout.initrd + initrd_size;
    layout.end = round_up(layout.initrd_end, TARN_BLOCK_SIZE);
    return layout;
}
