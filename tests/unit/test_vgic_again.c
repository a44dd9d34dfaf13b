/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interrupt that comes again after the guest has emptied its list register, when another vCPU
 * has changed something about it in between: what was in the list register must not be what counts.
 */
#include "vgic_machine.h"

#include "platform/cpu.h"

#define INTID 40
#define WORD  (INTID / 32 * 4) /* of registers with a bit an interrupt */
#define MASK  BIT32(INTID % 32)
#define CONF  (INTID / 16 * 4) /* GICD_ICFGR */
#define EDGE  (2u << (INTID % 16 * 2))

static bool taken_once(void)
{
    struct taken taken;

    if (!machine_ack(0, &taken))
        return false;
    assert_int_equal(taken.intid, INTID);
    machine_eoi(0, &taken);
    machine_settle();
    return true;
}

static void come(void)
{
    host_cpu_id = 0;
    vgic_set_pending(&machine.vgic, 0, INTID);
    machine_settle();
}

static void write_by_other(unsigned offset, unsigned size, uint64_t value)
{
    machine_gicd(1, offset, size, true, value);
    machine_settle();
}

static void begin(unsigned version)
{
    machine_init(version, 4, 128, false);
    machine_load(0, 0);
    machine_load(1, 1);
    machine_gicd(0, GICD_CTLR, 4, true, 3);
    machine_gicd(0, GICD_ICFGR + CONF, 4, true, EDGE);
    machine_gicd(0, GICD_ISENABLER + WORD, 4, true, MASK);
    if (version == 2)
        machine_gicd(0, GICD_ITARGETSR + INTID, 1, true, 1);
    machine_settle();
    come();
    assert_true(taken_once());
}

static void end(void)
{
    machine_unload(0);
    machine_unload(1);
    machine_exit();
}

/* What the other vCPU writes; if it keeps the interrupt away, what undoes it. */
struct change {
    unsigned offset, size;
    uint64_t value;
    bool keeps_away;
    unsigned undo;
    uint64_t undo_value;
};

static void check_change(const struct change *change, bool settles)
{
    if (settles)
        write_by_other(change->offset, change->size, change->value);
    else
        machine_gicd(1, change->offset, change->size, true, change->value);
    come();
    assert_int_equal(taken_once(), !change->keeps_away);
    if (change->keeps_away) {
        write_by_other(change->undo, change->size, change->undo_value);
        assert_true(taken_once());
    }
    assert_false(taken_once());
    /* It is as before, also over a switch. */
    come();
    assert_true(taken_once());
    come();
    machine_unload(0);
    machine_load(0, 0);
    machine_settle();
    assert_true(taken_once());
    assert_false(taken_once());
}

static void test_change_by_another(void **state)
{
    static const struct change changes[] = {
        {GICD_ICPENDR + WORD, 4, MASK, false, 0, 0},
        {GICD_ICACTIVER + WORD, 4, MASK, false, 0, 0},
        {GICD_IPRIORITYR + INTID, 1, 0x80, false, 0, 0},
        {GICD_ISACTIVER + WORD, 4, MASK, true, GICD_ICACTIVER + WORD, MASK},
        {GICD_ICENABLER + WORD, 4, MASK, true, GICD_ISENABLER + WORD, MASK},
        {GICD_CTLR, 4, 0, true, GICD_CTLR, 3},
    };

    (void)state;
    for (unsigned version = 2; version <= 3; version++)
        for (unsigned i = 0; i < 2 * ARRAY_SIZE(changes); i++) {
            begin(version);
            check_change(&changes[i / 2], i % 2);
            end();
        }
}

/* A line that rises, and makes it level-triggered: it comes until the line falls. */
static void test_line(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        begin(version);
        write_by_other(GICD_ICFGR + CONF, 4, 0);
        come();
        assert_true(taken_once());
        host_cpu_id = 1;
        vgic_set_level(&machine.vgic, 0, INTID, true);
        come();
        assert_true(taken_once());
        assert_true(taken_once());
        host_cpu_id = 1;
        vgic_set_level(&machine.vgic, 0, INTID, false);
        machine_settle();
        (void)taken_once(); /* the latch of come() may be left */
        assert_false(taken_once());
        end();
    }
}

/* One that was not taken yet is one. */
static void test_twice_is_once(void **state)
{
    (void)state;
    begin(3);
    come();
    come();
    assert_true(taken_once());
    assert_false(taken_once());
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change_by_another),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_twice_is_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
