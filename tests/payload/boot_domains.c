/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0 beside domains that Tarn has started itself: waits until they have stopped, tells which
 * there are and what Tarn has logged, and destroys them. What there should be, test_boot_domains.py
 * knows. Alone, it finds none.
 */
#include "domu.h"
#include "guests/abi/notify.h"

static unsigned domains;

static void test_they_stop(void)
{
    uint64_t end = counter() + us_to_ticks(PATIENCE_US);

    for (uint64_t id = 1; info(id).x[0] == TARN_OK; id++, domains++) {
        id = info(id).x[1];
        while (state_of(id) == TARN_STATE_RUNNING && counter() < end)
            delay_us(1000);
    }
}

/* Lines that nobody else's output is mixed with. */
static void test_log(void)
{
    struct smccc call = {.x = {TARN_HC_LOG, 0, 99}};
    static char line[400];
    unsigned length = 0;

    for (hvc_call(&call); call.x[0] == TARN_OK && call.x[2]; hvc_call(&call)) {
        for (unsigned i = 0; i < call.x[2]; i++) {
            char c = ((char *)&call.x[4])[i];
            if (c != '\n' && length < sizeof(line) - 1) {
                line[length++] = c;
                continue;
            }
            line[length] = '\0';
            print("log: %s\n", line);
            length = 0;
        }
        call.x[0] = TARN_HC_LOG;
        call.x[1] += call.x[2];
        call.x[2] = 99;
    }
}

static void test_list_and_destroy(void)
{
    struct smccc call, machine = {.x = {TARN_HC_MACHINE_INFO}};
    uint64_t pool = 0;

    for (call = info(1); call.x[0] == TARN_OK; call = info(1)) {
        uint64_t id = call.x[1];
        reach(call.x[6]);
        volatile struct tarn_console_page *console = (void *)call.x[6];
        char last[9] = "";
        for (unsigned i = 0; i < 8; i++)
            if (console->data[(console->head - 8 + i) % TARN_CONSOLE_SIZE] > ' ')
                last[i] = (char)console->data[(console->head - 8 + i) % TARN_CONSOLE_SIZE];
            else
                last[i] = '|';
        print(
            "domain: %s state %lu reason %lu vcpus %lu memory %luK console %u dropped %u last %s\n",
            (char *)&call.x[7], call.x[2] & 0xff, call.x[2] >> 8 & 0xff, call.x[2] >> 16,
            call.x[3] / 1024, console->head, console->dropped, last);
        pool += call.x[3];
        destroy(id);
    }
    hvc_call(&machine);
    check_equal(machine.x[2], machine.x[3]);
    check(domains == 0 || pool > 0);
}

const struct payload_test payload_tests[] = {
    {"domains started at boot stop", test_they_stop, 0, true},
    {"what was logged", test_log, 0, true},
    {"they are listed, and leave nothing behind", test_list_and_destroy, 0, true},
    {NULL, NULL, 0, false},
};
