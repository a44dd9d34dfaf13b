/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the event loop, the workers and of the C library beneath them (memory, locks,
 * time, abort, the first steps of a thread that was made just before). Nothing here opens a path,
 * makes a process or a socket, or maps code.
 */
#include "guests/dom0/backend/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>

#include "guests/dom0/driver/uapi/tarn.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fallocate),
    SCMP_SYS(ftruncate),
    SCMP_SYS(lseek),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(ppoll),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(accept4),
    SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(dup3),
    SCMP_SYS(close),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(futex),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(madvise),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
};

static const unsigned long requests[] = {
    TARN_WATCHDOG,        TARN_REPLY,           TARN_INTERRUPT,        TARN_CONSOLE_INPUT,
    TUNSETOFFLOAD,        VHOST_SET_OWNER,      VHOST_SET_MEM_TABLE,   VHOST_SET_FEATURES,
    VHOST_SET_VRING_NUM,  VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR,  VHOST_SET_VRING_KICK,
    VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,  VHOST_NET_SET_BACKEND, VHOST_VSOCK_SET_RUNNING,
    TUNSETQUEUE,
};

static const int file_commands[] = {F_GETFL, F_SETFL};

static int allow_with(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

static int add_rules(scmp_filter_ctx filter)
{
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; !error && i < COUNT(calls); i++)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 0, NULL);
    for (size_t i = 0; !error && i < COUNT(requests); i++)
        error = allow_with(filter, SCMP_SYS(ioctl),
                           SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
    for (size_t i = 0; !error && i < COUNT(file_commands); i++)
        error = allow_with(filter, SCMP_SYS(fcntl),
                           SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)file_commands[i]));
    if (!error)
        error = allow_with(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!error)
        error = allow_with(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return error;
}

int sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? add_rules(filter) : -ENOMEM;

    if (!error)
        error = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return -error;
}
