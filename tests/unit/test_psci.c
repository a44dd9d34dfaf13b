/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI calls of guests and the vCPU's states: every pair of states against the table, every
 * function in both widths, and random CPU_ON, CPU_OFF, AFFINITY_INFO against an array of booleans.
 */
#include "unit.h"

#include "core/domain.h"
#include "core/sched.h"
#include "core/timers.h"
#include "core/trap.h"
#include "platform/smc.h"

#define VCPUS 20 /* more than one Aff0 holds */

#define CPU_SUSPEND   0x84000001u
#define CPU_OFF       0x84000002u
#define CPU_ON        0x84000003u
#define AFFINITY_INFO 0x84000004u
#define SYSTEM_OFF    0x84000008u
#define SYSTEM_RESET  0x84000009u
#define FEATURES      0x8400000au
#define SYSTEM_RESET2 0x84000012u
#define SMC64         0x40000000u

static struct domain domain;
static struct vcpu vcpus[VCPUS];
static int stopped;      /* the reason that domain_stop was given, or -1 */
static bool deliverable; /* what vgic_has_deliverable says */

/* What is around core/psci.c and core/vcpu.c, as far as states go. */
void timers_vcpu_init(struct vcpu *vcpu)
{
    (void)vcpu;
}

void context_reset(struct el1_context *context)
{
    memset(context, 0, sizeof(*context));
    context->sctlr_el1 = SCTLR_EL1_RESET;
}

bool vgic_has_deliverable(struct vgic *vgic, struct vgic_cpu *cpu)
{
    (void)vgic;
    (void)cpu;
    return deliverable;
}

void sched_block(struct vcpu *vcpu, enum vcpu_state state)
{
    vcpu_set_state(vcpu, state, 0);
}

void domain_vcpu_off(struct vcpu *vcpu, uint8_t reason)
{
    assert_int_equal(reason, TARN_REASON_ALL_OFF);
    sched_block(vcpu, VCPU_OFF);
}

bool domain_vcpu_is_off(const struct vcpu *vcpu)
{
    return vcpu->state == VCPU_OFF;
}

bool domain_vcpu_on(struct domain *of, unsigned id, uint64_t pc, uint64_t x0)
{
    if (!domain_vcpu_is_off(of->vcpu[id]))
        return false;
    vcpu_set_entry(of->vcpu[id], pc, x0);
    vcpu_set_state(of->vcpu[id], VCPU_READY, 0);
    vcpu_set_state(of->vcpu[id], VCPU_RUNNING, 0);
    return true;
}

void domain_stop(struct domain *of, uint8_t reason)
{
    assert_ptr_equal(of, &domain);
    stopped = reason;
}

void smc_psci_system(bool off)
{
    fail_msg("a domU turned the machine %s", off ? "off" : "round");
    abort();
}

static int setup(void **state)
{
    (void)state;
    memset(&domain, 0, sizeof(domain));
    memset(vcpus, 0, sizeof(vcpus));
    domain.id = 7;
    domain.nr_vcpus = VCPUS;
    for (unsigned i = 0; i < VCPUS; i++) {
        domain.vcpu[i] = &vcpus[i];
        vcpu_init(&vcpus[i], &domain, i, NULL);
    }
    assert_true(domain_vcpu_on(&domain, 0, 0, 0));
    stopped = -1;
    deliverable = false;
    return 0;
}

static int64_t call(unsigned vcpu, uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    uint64_t *x = vcpus[vcpu].x;

    x[1] = x1;
    x[2] = x2;
    x[3] = x3;
    return psci_call(&vcpus[vcpu], function);
}

static void try_transition(enum vcpu_state from, enum vcpu_state to, bool allowed)
{
    vcpus[1].state = from;
    if (allowed)
        vcpu_set_state(&vcpus[1], to, 0);
    else
        expect_assert_failure(vcpu_set_state(&vcpus[1], to, 0));
    assert_int_equal(vcpus[1].state, allowed ? to : from);
}

static void test_transitions(void **state)
{
    static const char *const allowed[VCPU_STATES] = {
        [VCPU_OFF] = "-R---",        [VCPU_READY] = "O-X--",        [VCPU_RUNNING] = "OR-EQ",
        [VCPU_WAIT_EVENT] = "OR---", [VCPU_WAIT_REQUEST] = "OR---",
    };

    (void)state;
    for (unsigned i = 0; i < VCPU_STATES * VCPU_STATES; i++)
        try_transition(i / VCPU_STATES, i % VCPU_STATES,
                       allowed[i / VCPU_STATES][i % VCPU_STATES] != '-');
    expect_assert_failure(vcpu_set_state(&vcpus[1], VCPU_STATES, 0));
}

static void test_entry_needs_off(void **state)
{
    (void)state;
    expect_assert_failure(vcpu_set_entry(&vcpus[0], 0, 0));
}

/* The functions there are, and that no other number is one. */
static void test_every_function(void **state)
{
    static const uint32_t narrow[] = {0, 1, 2, 3, 4, 6, 8, 9, 0xa, 0x12}, wide[] = {1, 3, 4, 0x12};
    bool known[2][32] = {{false}};

    (void)state;
    for (unsigned i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
        known[0][narrow[i]] = true;
    for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        known[1][wide[i]] = true;
    for (uint32_t w = 0; w < 2; w++)
        for (uint32_t n = 0; n < 0x100; n++) {
            uint32_t function = (0x84000000u | n) + w * SMC64;
            bool good = n < 32 && known[w][n];
            assert_int_equal(call(0, FEATURES, function, 0, 0), good ? 0 : -1);
            if (!good)
                assert_int_equal(call(0, function, 0, 0, 0), -1);
        }
    assert_int_equal(call(0, 0x84000000u, 0, 0, 0), 0x10001);
    assert_int_equal(call(0, FEATURES, 0x80000000u, 0, 0), 0);
    assert_int_equal(call(0, FEATURES, 0x80000001u, 0, 0), -1);
}

static void test_cpu_on(void **state)
{
    (void)state;
    /* Aff1 and Aff0: 16 CPUs to a cluster. */
    assert_int_equal(call(0, CPU_ON | SMC64, 0x100, 0x1234567890, 0xabcdef0123), 0);
    assert_int_equal(vcpus[16].state, VCPU_RUNNING);
    assert_int_equal(vcpus[16].context.pc, 0x1234567890);
    assert_int_equal(vcpus[16].x[0], 0xabcdef0123);
    assert_int_equal(vcpus[16].context.sctlr_el1, SCTLR_EL1_RESET);
    assert_int_equal(call(0, CPU_ON | SMC64, 0x100, 0, 0), -4);
    /* A 32-bit call has 32-bit arguments. */
    assert_int_equal(call(0, CPU_ON, 0xffff00000001, 0xffff00001000, 0xffff00002000), 0);
    assert_int_equal(vcpus[1].context.pc, 0x1000);
    assert_int_equal(vcpus[1].x[0], 0x2000);
    static const uint64_t nobody[] = {16,      0x10,       0x104,       0xff,
                                      0x10000, 0x80000002, 0x100000002, ~0ul};
    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        assert_int_equal(call(0, CPU_ON | SMC64, nobody[i], 0, 0), -2);
        assert_int_equal(call(0, AFFINITY_INFO | SMC64, nobody[i], 0, 0), -2);
    }
    assert_int_equal(call(0, AFFINITY_INFO, 1, 1, 0), -2); /* levels above 0 do not exist */
}

static void test_suspend(void **state)
{
    (void)state;
    deliverable = true;
    assert_int_equal(call(0, CPU_SUSPEND, 0, 0, 0), 0);
    assert_int_equal(vcpus[0].state, VCPU_RUNNING);
    deliverable = false;
    assert_int_equal(call(0, CPU_SUSPEND | SMC64, 0, 0, 0), 0);
    assert_int_equal(vcpus[0].state, VCPU_WAIT_EVENT);
}

static void test_system(void **state)
{
    (void)state;
    assert_int_equal(call(0, SYSTEM_RESET2, 0x80000000, 0, 0), -2);
    assert_int_equal(stopped, -1);
    (void)call(0, SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(stopped, TARN_REASON_POWEROFF);
    (void)call(0, SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(stopped, TARN_REASON_REBOOT);
    stopped = -1;
    (void)call(0, SYSTEM_RESET2 | SMC64, 0, 0, 0);
    assert_int_equal(stopped, TARN_REASON_REBOOT);
}

static void test_random(void **state)
{
    bool on[VCPUS] = {true};

    (void)state;
    unit_random_seed(1);
    for (unsigned i = 0; i < 100000; i++) {
        unsigned who = (unsigned)unit_random_below(VCPUS),
                 other = (unsigned)unit_random_below(VCPUS);
        uint32_t wide = unit_random_below(2) ? SMC64 : 0;
        uint64_t mpidr = other / 16 << 8 | other % 16;
        if (!on[who])
            continue;
        if (unit_random_below(3) == 0 && who != 0) {
            (void)call(who, CPU_OFF, 0, 0, 0);
            on[who] = false;
        } else if (unit_random_below(2)) {
            assert_int_equal(call(who, CPU_ON | wide, mpidr, i, i), on[other] ? -4 : 0);
            on[other] = true;
        }
        assert_int_equal(call(0, AFFINITY_INFO | wide, mpidr, 0, 0), on[other] ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_transitions, setup),
        cmocka_unit_test_setup(test_entry_needs_off, setup),
        cmocka_unit_test_setup(test_every_function, setup),
        cmocka_unit_test_setup(test_cpu_on, setup),
        cmocka_unit_test_setup(test_suspend, setup),
        cmocka_unit_test_setup(test_system, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
