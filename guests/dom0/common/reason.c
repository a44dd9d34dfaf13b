/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why domains end, and their backends, in words. May include hyper.h.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "guests/dom0/common/hyper.h"

/* Instruction fault status code (Arm ARM D19.2.37, ESR_ELx.IFSC) of a stage-2 abort. */
static const char *fault_name(uint64_t esr)
{
    static const char *const kinds[] = {"address size fault", "translation fault",
                                        "access flag fault", "permission fault"};

    if ((esr & 0x3f) == 0x10)
        return "external abort";
    return (esr & 0x30) == 0 ? kinds[(esr >> 2) & 3] : "fault";
}

struct hyper_words hyper_reason_words(const struct tarn_info *info)
{
    static const char *const words[] = {
        [TARN_REASON_NONE] = "",
        [TARN_REASON_POWEROFF] = "powered off",
        [TARN_REASON_REBOOT] = "rebooted",
        [TARN_REASON_ALL_OFF] = "all its vCPUs went off",
        [TARN_REASON_WATCHDOG] = "crashed: its watchdog ran out",
    };
    struct hyper_words result = {""};

    if (info->reason == TARN_REASON_FAULT)
        snprintf(result.text, sizeof(result.text),
                 "crashed: a fault, and then %s at its exception vectors, pc 0x%llx (ESR 0x%llx)",
                 fault_name(info->fault[0]), (unsigned long long)info->fault[2],
                 (unsigned long long)info->fault[0]);
    else if (info->reason < sizeof(words) / sizeof(words[0]))
        snprintf(result.text, sizeof(result.text), "%s", words[info->reason]);
    return result;
}

struct hyper_words hyper_death_words(int status)
{
    struct hyper_words result;
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const char *name = number ? sigabbrev_np(number) : NULL;

    if (name)
        snprintf(result.text, sizeof(result.text), "killed by SIG%s%s", name,
                 number == SIGSYS ? " (a system call that its sandbox forbids)" : "");
    else if (number)
        snprintf(result.text, sizeof(result.text), "killed by signal %d", number);
    else
        snprintf(result.text, sizeof(result.text), "exit code %d", WEXITSTATUS(status));
    return result;
}
