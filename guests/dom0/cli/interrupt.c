/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that end a command.
 */
#include "guests/dom0/cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t first;

static void note(int number)
{
    if (!first)
        first = number;
}

/* One that is ignored (nohup) stays so. What waits is woken: no SA_RESTART. */
static void handle(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, before;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

void interrupt_watch(void)
{
    handle(note);
}

void interrupt_unwatch(void)
{
    handle(SIG_DFL);
}

int interrupted(void)
{
    return first;
}
