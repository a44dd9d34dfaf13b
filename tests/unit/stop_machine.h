/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_stop for tests: it ends the call under test instead of the machine.
 */
#ifndef STOP_MACHINE_H
#define STOP_MACHINE_H

#include <setjmp.h>
#include <stddef.h>

extern jmp_buf stop_return;
extern const char *stop_sentence;

/* NULL, or the sentence with which the call ended the boot. */
#define stops(call) (setjmp(stop_return) == 0 ? ((void)(call), (const char *)NULL) : stop_sentence)

#endif
