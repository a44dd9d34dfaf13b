/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of a vCPU: the virtual timer's switch, the physical timer's emulation. Compare values
 * are unsigned 64-bit numbers (Arm ARM D11.2.4): the condition is counter - offset >= CompareValue.
 * May include platform and timer.
 */
#include "timer/vtimer.h"

#include "platform/sysreg.h"

void vtimer_init(struct vtimer *timer, uint64_t offset)
{
    *timer = (struct vtimer){.offset = offset};
}

void vtimer_save(struct vtimer *timer)
{
    timer->cntv_ctl = sysreg_read(cntv_ctl_el0);
    sysreg_write(cntv_ctl_el0, 0);
    timer->cntv_cval = sysreg_read(cntv_cval_el0);
}

void vtimer_load(const struct vtimer *timer)
{
    sysreg_write(cntvoff_el2, timer->offset);
    sysreg_write(cntv_cval_el0, timer->cntv_cval);
    if (timer->cntv_ctl & CNT_CTL_ENABLE)
        isb(); /* never enabled with the compare value of the vCPU before */
    sysreg_write(cntv_ctl_el0, timer->cntv_ctl);
}

/* The timer is enabled and its interrupt is not masked. */
static bool ctl_signals(uint64_t ctl)
{
    return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE;
}

uint64_t vtimer_virtual_deadline(const struct vtimer *timer)
{
    if (!ctl_signals(timer->cntv_ctl))
        return TIMER_NEVER;
    if (timer->cntv_ctl & CNT_CTL_ISTATUS)
        return 0;
    uint64_t when = timer->cntv_cval + timer->offset;
    return when < timer->offset ? TIMER_NEVER : when;
}

uint64_t vtimer_physical_deadline(const struct vtimer *timer)
{
    return ctl_signals(timer->cntp_ctl) ? timer->cntp_cval : TIMER_NEVER;
}

uint64_t vtimer_read_ctl(const struct vtimer *timer, uint64_t now)
{
    bool met = (timer->cntp_ctl & CNT_CTL_ENABLE) && now >= timer->cntp_cval;
    return timer->cntp_ctl | (met ? CNT_CTL_ISTATUS : 0);
}

uint64_t vtimer_read_tval(const struct vtimer *timer, uint64_t now)
{
    return (timer->cntp_cval - now) & UINT32_MAX;
}

void vtimer_write_ctl(struct vtimer *timer, uint64_t value)
{
    timer->cntp_ctl = value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
}

void vtimer_write_tval(struct vtimer *timer, uint64_t now, uint64_t value)
{
    timer->cntp_cval = now + (uint64_t)(int64_t)(int32_t)(uint32_t)value;
}

bool vtimer_physical_line(const struct vtimer *timer, uint64_t now)
{
    return ctl_signals(timer->cntp_ctl) && now >= timer->cntp_cval;
}
