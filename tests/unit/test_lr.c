/* SPDX-License-Identifier: Apache-2.0 */
/* List-register codec: known encodings, and every field there and back. */
#include "unit.h"

#include "lr_decode.h"

static void assert_same(struct lr a, struct lr b)
{
    assert_int_equal(a.intid, b.intid);
    assert_int_equal(a.priority, b.priority);
    assert_int_equal(a.source, b.source);
    assert_int_equal(a.state, b.state);
    assert_int_equal(a.hw, b.hw);
    assert_int_equal(a.group1, b.group1);
    assert_int_equal(a.eoi, b.eoi);
}

static void known_encodings(void **state)
{
    struct lr timer = {
        .intid = 27, .priority = 0xa0, .state = LR_PENDING, .hw = true, .group1 = true};
    struct lr sgi = {.intid = 3, .priority = 0x88, .source = 5, .state = LR_ACTIVE, .eoi = true};
    struct lr uart = {.intid = 33,
                      .priority = 0x40,
                      .state = LR_PENDING | LR_ACTIVE,
                      .group1 = true,
                      .eoi = true};

    (void)state;
    assert_int_equal(lr_encode_v2(&timer), 0xda006c1b);
    assert_int_equal(lr_encode_v3(&timer), 0x70a0001b0000001b);
    assert_int_equal(lr_encode_v2(&sgi), 0x28881403);
    assert_int_equal(lr_encode_v2(&uart), 0x74080021);
    assert_int_equal(lr_encode_v3(&uart), 0xd040020000000021);
}

static void empty_is_zero(void **state)
{
    struct lr empty = {0};

    (void)state;
    assert_int_equal(lr_encode_v2(&empty), 0);
    assert_int_equal(lr_encode_v3(&empty), 0);
}

static void round_trip(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        struct lr lr = {.intid = (uint16_t)unit_random_below(1020),
                        .priority = (uint8_t)(unit_random_below(32) * 8),
                        .state = unit_random_below(4),
                        .hw = unit_random_below(2),
                        .group1 = unit_random_below(2)};
        if (!lr.hw)
            lr.eoi = unit_random_below(2);
        assert_int_equal(lr_encode_v2(&lr) >> 32, 0);
        assert_same(lr, lr_decode_v3(lr_encode_v3(&lr)));
        if (!lr.hw)
            lr.source = unit_random_below(8);
        assert_same(lr, lr_decode_v2(lr_encode_v2(&lr)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_encodings),
        cmocka_unit_test(empty_is_zero),
        cmocka_unit_test(round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
