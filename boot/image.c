/* SPDX-License-Identifier: Apache-2.0 */
/* Check of an arm64 Image; see image.h. May call platform. */
#include "boot/image.h"

#include "platform/string.h"

struct image_header {
    uint32_t code[2];
    uint64_t text_offset, image_size, flags;
    uint64_t reserved[3];
    uint32_t magic, reserved5;
};

#define IMAGE_MAGIC      0x644d5241 /* "ARM\x64" */
#define IMAGE_BIG_ENDIAN 1
#define IMAGE_SIZE_MAX   (1 * GIB)

const char *image_check(const void *image, uint64_t size, struct image_info *info)
{
    struct image_header header;

    if (size < sizeof(header))
        return "it is too short to be an arm64 Image";
    memcpy(&header, image, sizeof(header));
    if (((const uint8_t *)image)[0] == 0x1f && ((const uint8_t *)image)[1] == 0x8b)
        return "it is gzip-compressed; unpack it first (gunzip)";
    if (header.magic != IMAGE_MAGIC)
        return "it is not an arm64 Image (no \"ARM\\x64\" magic); give the uncompressed kernel";
    if (header.flags & IMAGE_BIG_ENDIAN)
        return "it is a big-endian kernel; give a little-endian one";
    if (header.image_size > IMAGE_SIZE_MAX || header.text_offset >= BLOCK_2M)
        return "its Image header holds impossible sizes";
    info->text_offset = header.text_offset;
    info->size = header.image_size ? header.image_size : size;
    return NULL;
}
