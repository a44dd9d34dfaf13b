/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues, device side. Ring memory is read and written through volatile pointers, once
 * per value; indices with the acquire and release of virtio 1.2, 2.7.13 and 2.7.14.
 */
#include "guests/dom0/backend/virtqueue.h"

#include <string.h>

#define NO_HEAD 0xffff

void vq_init(struct virtqueue *vq, struct vq_state *state, const struct guest_memory *memory)
{
    *vq = (struct virtqueue){.state = state, .memory = memory};
}

static uint16_t avail_idx(const struct virtqueue *vq)
{
    return __atomic_load_n(&vq->avail[1], __ATOMIC_ACQUIRE);
}

static volatile uint16_t *used_event(const struct virtqueue *vq)
{
    return &vq->avail[2 + vq->state->size];
}

static volatile uint16_t *avail_event(const struct virtqueue *vq)
{
    return (volatile uint16_t *)&vq->used_ring[vq->state->size];
}

static enum vq_result give_up(struct virtqueue *vq, const char *why)
{
    vq->broken = why;
    return VQ_BROKEN;
}

static bool map_rings(struct virtqueue *vq)
{
    const struct vq_state *s = vq->state;
    uint64_t n = s->size;

    if (n == 0 || n > VQ_MAX_SIZE || (n & (n - 1)) != 0) {
        vq->broken = "its size is not a power of two in range";
        return false;
    }
    if (s->desc % 16 != 0 || s->driver % 2 != 0 || s->device % 4 != 0) {
        vq->broken = "its rings are not aligned";
        return false;
    }
    vq->desc = guest_at(vq->memory, s->desc, 16 * n);
    vq->avail = guest_at(vq->memory, s->driver, 6 + 2 * n);
    vq->used = guest_at(vq->memory, s->device, 6 + 8 * n);
    if (!vq->desc || !vq->avail || !vq->used) {
        vq->broken = "its rings are not in RAM";
        return false;
    }
    vq->used_ring = (volatile struct vring_used_elem *)&vq->used[2];
    vq->broken = NULL;
    return true;
}

bool vq_start(struct virtqueue *vq)
{
    struct vq_state *s = vq->state;

    if (!map_rings(vq))
        return false;
    s->next_avail = s->next_used = s->signalled = 0;
    s->signalled_valid = 1;
    s->publishing = 0;
    s->outside = 0;
    memset(s->in_flight, 0, sizeof(s->in_flight));
    memset(vq->replay, 0, sizeof(vq->replay));
    return true;
}

static void set_in_flight(struct virtqueue *vq, uint16_t head, bool on)
{
    uint64_t bit = 1ull << (head % 64);
    uint64_t *word = &vq->state->in_flight[head / 64];

    *word = on ? *word | bit : *word & ~bit;
}

static bool is_in_flight(const struct virtqueue *vq, uint16_t head)
{
    return vq->state->in_flight[head / 64] >> (head % 64) & 1;
}

/* The next used elements are out: they are no longer in flight. */
static void count_used(struct virtqueue *vq, unsigned count)
{
    struct vq_state *s = vq->state;

    for (unsigned i = 0; i < count; i++) {
        uint32_t head = vq->used_ring[(uint16_t)(s->next_used + i) % s->size].id;
        set_in_flight(vq, head % VQ_MAX_SIZE, false);
    }
    s->next_used = (uint16_t)(s->next_used + count);
}

bool vq_resume(struct virtqueue *vq)
{
    struct vq_state *s = vq->state;

    if (!map_rings(vq))
        return false;
    if (s->publishing && vq->used[1] != s->next_used)
        count_used(vq, s->publishing); /* the driver has seen them */
    s->publishing = 0;
    /* A head marked, but not counted yet: it will come the ordinary way. */
    uint16_t head = vq->avail[2 + s->next_avail % s->size];
    if (avail_idx(vq) != s->next_avail && head < s->size)
        set_in_flight(vq, head, false);
    memcpy(vq->replay, s->in_flight, sizeof(vq->replay));
    s->signalled_valid = 0; /* tell the driver once more than needed rather than once less */
    return true;
}

void vq_reset(struct virtqueue *vq)
{
    memset(vq->state, 0, sizeof(*vq->state));
    vq_init(vq, vq->state, vq->memory);
}

/* Adds a descriptor's segment to the chain. Returns an error text or NULL. */
static const char *add_segment(struct virtqueue *vq, struct vq_chain *chain,
                               const struct vring_desc *desc)
{
    unsigned count = chain->readable + chain->writable;
    bool write = desc->flags & VRING_DESC_F_WRITE;
    uint32_t *bytes = write ? &chain->writable_bytes : &chain->readable_bytes;

    if (!write && chain->writable)
        return "a readable descriptor follows a writable one";
    void *base = guest_at(vq->memory, desc->addr, desc->len);
    if (!base)
        return "a buffer is not in RAM";
    if (desc->len > INT32_MAX - *bytes)
        return "a buffer is longer than 2 GiB";
    *bytes += desc->len;
    chain->segment[count] = (struct iovec){.iov_base = base, .iov_len = desc->len};
    if (write)
        chain->writable++;
    else
        chain->readable++;
    return NULL;
}

static struct vring_desc copy_desc(const volatile struct vring_desc *from)
{
    return (struct vring_desc){
        .addr = from->addr, .len = from->len, .flags = from->flags, .next = from->next};
}

/* Opens an indirect table: the walk goes on in it. Returns an error text or NULL. */
static const char *enter_indirect(struct virtqueue *vq, const struct vring_desc *desc,
                                  const volatile struct vring_desc **table, unsigned *entries)
{
    if (desc->flags & VRING_DESC_F_NEXT)
        return "an indirect descriptor has a successor";
    if (desc->len == 0 || desc->len % 16 != 0)
        return "an indirect table has an odd size";
    *table = guest_at(vq->memory, desc->addr, desc->len);
    *entries = desc->len / 16;
    return *table ? NULL : "an indirect table is not in RAM";
}

static const char *walk_chain(struct virtqueue *vq, struct vq_chain *chain)
{
    const volatile struct vring_desc *table = vq->desc;
    unsigned entries = vq->state->size;
    unsigned i = chain->head;
    bool indirect = false;

    /* One step more than segments, for the descriptor of an indirect table. */
    for (unsigned step = 0; step <= vq->state->size; step++) {
        if (i >= entries)
            return "a descriptor index is out of range";
        struct vring_desc desc = copy_desc(&table[i]);
        const char *error;
        if (desc.flags & VRING_DESC_F_INDIRECT) {
            if (indirect || step > 0)
                return "an indirect descriptor inside a chain";
            error = enter_indirect(vq, &desc, &table, &entries);
            indirect = true;
            i = 0;
            if (error)
                return error;
            continue;
        }
        if (chain->readable + chain->writable == vq->state->size)
            break;
        error = add_segment(vq, chain, &desc);
        if (error || !(desc.flags & VRING_DESC_F_NEXT))
            return error;
        i = desc.next;
    }
    return "a chain is longer than the queue";
}

static uint16_t take_replay(struct virtqueue *vq)
{
    for (unsigned i = 0; i < VQ_MAX_SIZE / 64; i++) {
        if (vq->replay[i]) {
            unsigned bit = (unsigned)__builtin_ctzll(vq->replay[i]);
            vq->replay[i] &= vq->replay[i] - 1;
            return (uint16_t)(i * 64 + bit);
        }
    }
    return NO_HEAD;
}

/* Head of the next available buffer, marked as in flight. */
static enum vq_result take_head(struct virtqueue *vq, uint16_t *head)
{
    struct vq_state *s = vq->state;
    uint16_t waiting = (uint16_t)(avail_idx(vq) - s->next_avail);

    if (waiting == 0)
        return VQ_EMPTY;
    if (waiting > s->size)
        return give_up(vq, "its available index ran ahead");
    *head = vq->avail[2 + s->next_avail % s->size];
    if (*head >= s->size)
        return give_up(vq, "an available head is out of range");
    if (is_in_flight(vq, *head))
        return give_up(vq, "a head was made available twice");
    set_in_flight(vq, *head, true);
    __atomic_store_n(&s->next_avail, (uint16_t)(s->next_avail + 1), __ATOMIC_RELEASE);
    return VQ_GOT;
}

enum vq_result vq_pop(struct virtqueue *vq, struct vq_chain *chain)
{
    if (vq->broken)
        return VQ_BROKEN;
    if (!vq->state->ready)
        return VQ_EMPTY;
    uint16_t head = take_replay(vq);
    if (head == NO_HEAD) {
        enum vq_result result = take_head(vq, &head);
        if (result != VQ_GOT)
            return result;
    }
    chain->head = head;
    chain->readable = chain->writable = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    const char *error = walk_chain(vq, chain);
    return error ? give_up(vq, error) : VQ_GOT;
}

void vq_push_all(struct virtqueue *vq, const struct vring_used_elem *element, unsigned count)
{
    struct vq_state *s = vq->state;

    for (unsigned i = 0; i < count; i++) {
        volatile struct vring_used_elem *to =
            &vq->used_ring[(uint16_t)(s->next_used + i) % s->size];
        to->id = element[i].id;
        to->len = element[i].len;
    }
    __atomic_store_n(&s->publishing, (uint16_t)count, __ATOMIC_RELEASE);
    __atomic_store_n(&vq->used[1], (uint16_t)(s->next_used + count), __ATOMIC_RELEASE);
    for (unsigned i = 0; i < count; i++)
        set_in_flight(vq, (uint16_t)element[i].id, false);
    s->next_used = (uint16_t)(s->next_used + count);
    __atomic_store_n(&s->publishing, 0, __ATOMIC_RELEASE);
}

void vq_push(struct virtqueue *vq, uint16_t head, uint32_t written)
{
    struct vring_used_elem element = {.id = head, .len = written};

    vq_push_all(vq, &element, 1);
}

void vq_busy(struct virtqueue *vq)
{
    if (vq->used && !vq->state->event_idx)
        vq->used[0] = VRING_USED_F_NO_NOTIFY;
}

bool vq_wait(struct virtqueue *vq)
{
    if (vq->broken || !vq->state->ready)
        return true;
    if (vq->state->event_idx)
        *avail_event(vq) = vq->state->next_avail;
    else
        vq->used[0] = 0;
    /* Our wish before our last look: the driver does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return avail_idx(vq) == vq->state->next_avail;
}

bool vq_must_signal(struct virtqueue *vq)
{
    struct vq_state *s = vq->state;

    if (vq->broken || !s->ready)
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the used index before the driver's wish */
    uint16_t old = s->signalled;
    bool valid = s->signalled_valid;
    s->signalled = s->next_used;
    s->signalled_valid = 1;
    if (valid && old == s->next_used)
        return false;
    if (!s->event_idx)
        return !(vq->avail[0] & VRING_AVAIL_F_NO_INTERRUPT);
    return !valid || vring_need_event(*used_event(vq), s->next_used, old);
}

/* The part of the segments that begins at *offset: first segment and place in it. */
static unsigned skip(const struct iovec *iov, unsigned count, size_t *offset)
{
    unsigned i = 0;

    while (i < count && *offset >= iov[i].iov_len)
        *offset -= iov[i++].iov_len;
    return i;
}

size_t iov_read(const struct iovec *iov, unsigned count, size_t offset, void *buffer, size_t size)
{
    size_t done = 0;

    for (unsigned i = skip(iov, count, &offset); i < count && done < size; i++, offset = 0) {
        size_t n = iov[i].iov_len - offset;
        n = n < size - done ? n : size - done;
        memcpy((uint8_t *)buffer + done, (const uint8_t *)iov[i].iov_base + offset, n);
        done += n;
    }
    return done;
}

size_t iov_write(const struct iovec *iov, unsigned count, size_t offset, const void *buffer,
                 size_t size)
{
    size_t done = 0;

    for (unsigned i = skip(iov, count, &offset); i < count && done < size; i++, offset = 0) {
        size_t n = iov[i].iov_len - offset;
        n = n < size - done ? n : size - done;
        memcpy((uint8_t *)iov[i].iov_base + offset, (const uint8_t *)buffer + done, n);
        done += n;
    }
    return done;
}
