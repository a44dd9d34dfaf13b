/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user messages: a header, a payload, descriptors beside it.
 */
#include "guests/dom0/backend/vhost_user.h"

#include <errno.h>
#include <linux/vhost_types.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define VERSION          1u
#define IS_REPLY         4u
#define CONFIG_SIZE      256
#define MAX_REGIONS      2
#define FEATURE_PROTOCOL (1ull << 30)
#define PROTOCOL_CONFIG  (1ull << 9)

enum request {
    GET_FEATURES = 1,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    SET_MEM_TABLE = 5,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    SET_VRING_ENABLE = 18,
    GET_CONFIG = 24,
};

struct memory_table {
    uint32_t count, padding;
    struct {
        uint64_t address, size, user_address, offset;
    } region[MAX_REGIONS];
};

struct config {
    uint32_t offset, size, flags;
    uint8_t data[CONFIG_SIZE];
};

struct message {
    uint32_t request, flags, size;
    union {
        uint64_t number;
        struct vhost_vring_state state;
        struct vhost_vring_addr address;
        struct memory_table memory;
        struct config config;
    } payload;
} __attribute__((packed, aligned(4)));

#define HEADER offsetof(struct message, payload)

static bool send_message(int fd, struct message *message, const int *fds, unsigned count)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(MAX_REGIONS * sizeof(int))];
    } control = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec iov = {.iov_base = message, .iov_len = HEADER + message->size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

    message->flags = VERSION;
    if (count) {
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    return sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)iov.iov_len;
}

static bool send_number(int fd, enum request request, uint64_t number, const int *carried)
{
    struct message message = {.request = request, .size = sizeof(number)};

    message.payload.number = number;
    return send_message(fd, &message, carried, carried ? 1 : 0);
}

static bool send_state(int fd, enum request request, unsigned index, unsigned value)
{
    struct message message = {.request = request, .size = sizeof(message.payload.state)};

    message.payload.state = (struct vhost_vring_state){.index = index, .num = value};
    return send_message(fd, &message, NULL, 0);
}

/* Sends a question and reads its answer, of `answered` payload bytes, into it. */
static bool ask(int fd, struct message *message, size_t answered)
{
    uint32_t request = message->request;

    if (!send_message(fd, message, NULL, 0))
        return false;
    if (recv(fd, message, HEADER, MSG_WAITALL) == (ssize_t)HEADER && message->request == request &&
        message->flags & IS_REPLY && message->size == answered &&
        recv(fd, &message->payload, answered, MSG_WAITALL) == (ssize_t)answered)
        return true;
    errno = EPROTO;
    return false;
}

static bool ask_number(int fd, enum request request, uint64_t *number)
{
    struct message message = {.request = request};

    bool good = ask(fd, &message, sizeof(*number));
    *number = message.payload.number;
    return good;
}

bool vhost_user_open(int fd, uint64_t *features, void *config, size_t size)
{
    uint32_t whole = (uint32_t)(offsetof(struct config, data) + size);
    struct message message = {.request = GET_CONFIG, .size = whole};
    uint64_t offered = 0, protocol = 0, wanted = size ? PROTOCOL_CONFIG : 0;

    if (!ask_number(fd, GET_FEATURES, &offered) || !(offered & FEATURE_PROTOCOL) ||
        !ask_number(fd, GET_PROTOCOL_FEATURES, &protocol) || (protocol & wanted) != wanted) {
        errno = EPROTO;
        return false;
    }
    *features &= offered;
    message.payload.config = (struct config){.size = (uint32_t)size};
    if (!send_number(fd, SET_PROTOCOL_FEATURES, wanted, NULL) ||
        !send_number(fd, SET_FEATURES, *features | FEATURE_PROTOCOL, NULL) ||
        !send_message(fd, &(struct message){.request = SET_OWNER}, NULL, 0))
        return false;
    if (size == 0)
        return true;
    if (!ask(fd, &message, whole))
        return false;
    memcpy(config, message.payload.config.data, size);
    return true;
}

bool vhost_user_set_memory(int fd, const struct vhost_user_region *region, unsigned count)
{
    struct message message = {.request = SET_MEM_TABLE};
    struct memory_table table = {.count = count};
    int fds[MAX_REGIONS];

    if (count > MAX_REGIONS) {
        errno = EINVAL;
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        table.region[i].address = region[i].address;
        table.region[i].size = region[i].size;
        table.region[i].user_address = (uintptr_t)region[i].ours;
        fds[i] = region[i].fd;
    }
    message.size =
        (uint32_t)(offsetof(struct memory_table, region) + count * sizeof(table.region[0]));
    message.payload.memory = table;
    return send_message(fd, &message, fds, count);
}

bool vhost_user_start_ring(int fd, const struct vhost_user_ring *ring)
{
    struct message message = {.request = SET_VRING_ADDR, .size = sizeof(message.payload.address)};

    message.payload.address = (struct vhost_vring_addr){
        .index = ring->index,
        .desc_user_addr = (uintptr_t)ring->desc,
        .avail_user_addr = (uintptr_t)ring->avail,
        .used_user_addr = (uintptr_t)ring->used,
    };
    return send_state(fd, SET_VRING_NUM, ring->index, ring->size) &&
           send_state(fd, SET_VRING_BASE, ring->index, 0) && send_message(fd, &message, NULL, 0) &&
           send_number(fd, SET_VRING_CALL, ring->index, &ring->call_fd) &&
           send_number(fd, SET_VRING_KICK, ring->index, &ring->kick_fd) &&
           send_state(fd, SET_VRING_ENABLE, ring->index, 1);
}
