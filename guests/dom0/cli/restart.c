/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restart policy.
 */
#include "guests/dom0/cli/restart.h"

enum config_action restart_action(const struct config *config, const struct tarn_info *info,
                                  bool asked)
{
    if (asked)
        return ACTION_RESTART;
    if (info->state == TARN_STATE_CRASHED)
        return config->on_crash;
    return info->reason == TARN_REASON_REBOOT ? config->on_reboot : ACTION_DESTROY;
}

unsigned restart_delay(unsigned last, double lived, bool crashed)
{
    if (lived >= RESTART_STEADY)
        return crashed ? 1 : 0;
    if (last == 0)
        return 1;
    return 2 * last < RESTART_MOST ? 2 * last : RESTART_MOST;
}
