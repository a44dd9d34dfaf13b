/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace, from EL2's writer to the file: rings that run over, a reader that comes late or reads
 * while they are written, and slices made of any records whatever.
 */
#include "unit.h"

#include <pthread.h>

#include "core/domain.h"
#include "core/grace.h"
#include "gic/gic_ops.h"
#include "guests/dom0/cli/trace_json.h"
#include "guests/dom0/cli/trace_ring.h"
#include "guests/dom0/common/hyper.h"
#include "platform/cpu.h"

#define PAGES 1
#define SLOTS (PAGES * 4096 / sizeof(struct tarn_trace_record))
#define CPUS  2

/* What is around core/trace.c. */
void trace_exit(struct vcpu *vcpu, bool synchronous);
struct vcpu *sched_enter(struct vcpu *from); /* its header has names of the C library's */
char el2_vectors[1], el2_vectors_traced[1];
struct gic_virt gic_virt;
static _Alignas(4096) uint8_t memory[(1 + CPUS * PAGES) * 4096];
static bool heap_is_empty;
static unsigned kicks;
static struct domain domain = {.id = 7};
static struct vcpu vcpu = {.domain = &domain, .id = 3};

void *domain_share_pages(unsigned pages, uint16_t owner)
{
    (void)owner;
    assert_true(pages * 4096 <= sizeof(memory));
    return heap_is_empty ? NULL : memory;
}

pa_t heap_pa(const void *va)
{
    return pa((uint64_t)va);
}

uint64_t grace_begin(void)
{
    return ++kicks;
}

struct vcpu *sched_enter(struct vcpu *from)
{
    return from;
}

/* What is around guests/dom0/cli/sample.c. */
int hyper_info(uint32_t id, struct tarn_info *info)
{
    (void)id;
    (void)info;
    return -1;
}

int hyper_vcpu_stats(uint32_t id, unsigned number, struct vcpu_stats *stats)
{
    (void)id;
    (void)number;
    (void)stats;
    return -1;
}

static const struct tarn_trace_page *page = (void *)memory;

static int64_t control(uint64_t pages)
{
    uint64_t x[3] = {0, pages, 0};
    int64_t status = trace_control(x);

    if (status == TARN_OK) {
        assert_int_equal(x[1], (uint64_t)memory);
        assert_int_equal(x[2], SLOTS);
    }
    return status;
}

static void write_some(unsigned cpu, uint64_t from, uint64_t count)
{
    host_cpu_id = cpu;
    for (uint64_t i = from; i < from + count; i++) {
        host_sysreg_write("cntpct_el0", i);
        trace_write(&vcpu, TARN_TRACE_EXIT, i, ~i, 0);
    }
}

/* First of all: there are no rings. */
static void test_control(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tarn_trace_page), 4096); /* the rings begin behind it */
    cpu_count = CPUS;
    assert_int_equal(control(0), TARN_ENOMEM);
    assert_int_equal(control(TARN_TRACE_PAGES + 1), TARN_EINVAL);
    heap_is_empty = true;
    assert_int_equal(control(PAGES), TARN_ENOMEM);
    assert_int_equal(trace_on, 0);
    heap_is_empty = false;
    assert_int_equal(control(PAGES), TARN_OK);
    assert_int_equal(trace_on, 1);
    assert_int_equal(kicks, 1);
    assert_int_equal(control(TARN_TRACE_PAGES), TARN_OK); /* they stay as they are */
    assert_int_equal(control(0), TARN_OK);
    assert_int_equal(trace_on, 0);
}

static void test_in_order(void **state)
{
    struct tarn_trace_record got[SLOTS];
    struct trace_ring ring;

    (void)state;
    trace_ring_open(&ring, page, 1, SLOTS);
    assert_int_equal(trace_ring_read(&ring, got, SLOTS), 0);
    uint64_t number = 0;
    for (unsigned round = 0; round < 1000; round++) {
        size_t count = unit_random_below(SLOTS), seen = 0, part;
        write_some(1, number, count);
        while ((part = trace_ring_read(&ring, got, 1 + unit_random_below(SLOTS))) > 0) {
            for (size_t i = 0; i < part; i++) {
                assert_int_equal(got[i].time, number + seen + i);
                assert_int_equal(got[i].what, (uint32_t)(number + seen + i));
                assert_int_equal(got[i].value[0], ~(number + seen + i));
                assert_int_equal(got[i].domain, 7);
                assert_int_equal(got[i].vcpu, 3);
                assert_int_equal(got[i].type, TARN_TRACE_EXIT);
            }
            seen += part;
        }
        assert_int_equal(seen, count);
        number += count;
    }
    assert_int_equal(ring.lost, 0);
    assert_int_equal(page->cpu[0].head, 0); /* the other one is another one's */
}

static void test_overrun(void **state)
{
    struct tarn_trace_record got[SLOTS];
    struct trace_ring ring;

    (void)state;
    trace_ring_open(&ring, page, 0, SLOTS);
    write_some(0, 0, SLOTS); /* full: but the oldest may be being overwritten, for all one knows */
    assert_int_equal(trace_ring_read(&ring, got, SLOTS), SLOTS - 1);
    assert_int_equal(ring.lost, 1);
    assert_int_equal(got[0].time, 1);
    write_some(0, SLOTS, 3 * SLOTS + 5);
    assert_int_equal(trace_ring_read(&ring, got, SLOTS), SLOTS - 1);
    assert_int_equal(ring.lost, 1 + 2 * SLOTS + 6);
    assert_int_equal(got[0].time, 3 * SLOTS + 6);
    assert_int_equal(got[SLOTS - 2].time, 4 * SLOTS + 4);
}

#define MANY 2000000u

static void *writer(void *unused)
{
    write_some(0, 0, MANY);
    return unused;
}

/* Whatever is read is whole, in order, and what is not is counted. */
static void test_concurrent_reader(void **state)
{
    struct tarn_trace_record got[SLOTS];
    struct trace_ring ring;
    uint64_t seen = 0, next = 0;
    pthread_t thread;

    (void)state;
    trace_ring_open(&ring, page, 0, SLOTS);
    uint64_t begin = ring.next;
    assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
    while (seen + ring.lost < MANY) {
        size_t count = trace_ring_read(&ring, got, 1 + seen % SLOTS);
        for (size_t i = 0; i < count; i++) {
            assert_true(got[i].time >= next);
            assert_int_equal(got[i].what, (uint32_t)got[i].time);
            assert_int_equal(got[i].value[0], ~got[i].time);
            next = got[i].time + 1;
        }
        seen += count;
        assert_int_equal(ring.next - begin, seen + ring.lost);
    }
    pthread_join(thread, NULL);
    assert_int_equal(next, MANY);
    print_message("%llu of %u lost\n", (unsigned long long)ring.lost, MANY);
}

/* The vectors follow: on with the first interrupt, off with the first exit. */
static void test_vectors_and_hazard(void **state)
{
    (void)state;
    host_cpu_id = 0;
    assert_int_equal(control(PAGES), TARN_OK);
    host_sysreg_write("vbar_el2", (uint64_t)el2_vectors);
    trace(NULL, TARN_TRACE_IRQ, 27);
    assert_int_equal(host_sysreg_read("vbar_el2"), (uint64_t)el2_vectors_traced);
    trace_exit(&vcpu, true);
    assert_int_equal(vcpu.hazard, HAZARD_TRACE);
    assert_ptr_equal(trace_enter(&vcpu, vcpu.hazard), &vcpu);
    assert_int_equal(vcpu.hazard, 0);
    assert_int_equal(control(0), TARN_OK);
    uint64_t head = page->cpu[0].head;
    trace(NULL, TARN_TRACE_IRQ, 27);
    trace_exit(&vcpu, true);
    assert_int_equal(host_sysreg_read("vbar_el2"), (uint64_t)el2_vectors);
    assert_int_equal(page->cpu[0].head, head);
    assert_int_equal(vcpu.hazard, 0);
}

/* An abort of a store: where, and what; of a call: its first registers. */
static void test_what_an_exit_tells(void **state)
{
    struct tarn_trace_record got[2];
    struct trace_ring ring;

    (void)state;
    host_cpu_id = 1;
    assert_int_equal(control(PAGES), TARN_OK);
    trace_ring_open(&ring, page, 1, SLOTS);
    vcpu.x[0] = 0xffffffffc6000021;
    vcpu.x[1] = 0x12345;
    vcpu.x[2] = 0x56789;
    host_sysreg_write("elr_el2", 0xffff800008001234);
    host_sysreg_write("esr_el2", 0x5a000000);
    trace_exit(&vcpu, true);
    vcpu.x[5] = 0xaabbccddee;
    host_sysreg_write("esr_el2", 0x93850046);
    host_sysreg_write("hpfar_el2", 0x8000000000000a00 | 0x1230000000);
    host_sysreg_write("far_el2", 0xffff800009005050);
    trace_exit(&vcpu, true);
    assert_int_equal(trace_ring_read(&ring, got, 2), 2);
    assert_int_equal(got[0].value[0], 0xffff800008001234);
    assert_int_equal(got[0].value[1], 0x67892345c6000021);
    assert_int_equal(got[1].what, 0x93850046);
    assert_int_equal(got[1].value[1], 0xccddee30000a0050);
    assert_int_equal(control(0), TARN_OK);
}

/* Slices of a file by line, in the order in which they end. */
static void check_slices(const char *json)
{
    static double cpu_end[CPUS], state_end[16][8], exit_end[16][8];
    unsigned slices = 0;

    memset(cpu_end, 0, sizeof(cpu_end));
    memset(state_end, 0, sizeof(state_end));
    memset(exit_end, 0, sizeof(exit_end));
    for (const char *line = json; line; line = strchr(line + 1, '\n')) {
        unsigned pid, tid;
        double ts, dur;
        char cat[16];
        if (sscanf(
                line,
                "\n{\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":%lf,\"dur\":%lf,\"cat\":\"%15[a-z]",
                &pid, &tid, &ts, &dur, cat) != 5)
            continue;
        slices++;
        assert_true(dur >= 0);
        double *end = &exit_end[pid / 1000][tid % 1000];
        if (pid == 1) {
            end = &cpu_end[tid - 1];
        } else if (strcmp(cat, "state") == 0) {
            end = &state_end[pid / 1000][tid % 1000];
            assert_true(exit_end[pid / 1000][tid % 1000] <= ts + dur + 1e-4);
        } else {
            assert_true(ts + 1e-4 >= state_end[pid / 1000][tid % 1000]);
        }
        assert_true(ts + 1e-4 >= *end);
        *end = ts + dur;
    }
    assert_true(slices > 100);
}

static void test_slices_never_overlap(void **state)
{
    static const uint8_t types[] = {TARN_TRACE_EXIT, TARN_TRACE_ENTER, TARN_TRACE_STATE,
                                    TARN_TRACE_IRQ,  TRACE_LOST,       99};

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        struct trace_facts facts = {.frequency = 62500000, .begin = 1000, .cpus = CPUS};
        char *text;
        size_t size;
        FILE *file = open_memstream(&text, &size);
        strcpy(facts.name[1], "a \"b\" \\");
        facts.end = 1000;
        trace_json_begin(file, &facts);
        for (unsigned i = 0; i < 5000; i++) {
            struct tarn_trace_record r = {
                .time = facts.end += 5 * unit_random_below(100),
                .type = types[unit_random_below(round % 2 ? 6 : 4)],
                .domain = (uint16_t)unit_random_below(3),
                .vcpu = (uint8_t)unit_random_below(2),
                .what = (uint32_t)unit_random(),
                .value = {unit_random(), unit_random()},
            };
            if (r.type == TARN_TRACE_STATE)
                r.what = (uint32_t)(unit_random_below(6) | unit_random_below(6) << 8);
            trace_json_record((unsigned)unit_random_below(CPUS), &r);
        }
        trace_json_end();
        fclose(file);
        check_slices(text);
        assert_non_null(strstr(text, "a \\\"b\\\" \\\\"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_concurrent_reader),
        cmocka_unit_test(test_vectors_and_hazard),
        cmocka_unit_test(test_what_an_exit_tells),
        cmocka_unit_test(test_slices_never_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
