/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_unotify(2): openat() of the child waits for our answer. What we do not answer with the
 * descriptor goes on in the kernel, with the child's own rights; so nothing here is a matter of
 * trust but which file is given.
 */
#include "guests/dom0/cli/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* openat() is told to whoever has the descriptor returned. -1 with errno set. */
static int install(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_AARCH64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* Whether the string at an address of a process is this one. */
static bool same_text(pid_t pid, uint64_t address, const char *text)
{
    char copy[PATH_MAX];
    size_t size = strlen(text) + 1;
    struct iovec ours = {.iov_base = copy, .iov_len = size};
    struct iovec theirs = {.iov_len = size};

    memcpy(&theirs.iov_base, &address, sizeof(address));
    return size <= sizeof(copy) &&
           process_vm_readv(pid, &ours, 1, &theirs, 1, 0) == (ssize_t)size &&
           memcmp(copy, text, size) == 0;
}

static void answer(int listener, const struct seccomp_notif *call, const char *path, int fd)
{
    struct seccomp_notif_addfd give = {.id = call->id,
                                       .flags = SECCOMP_ADDFD_FLAG_SEND,
                                       .srcfd = (uint32_t)fd,
                                       .newfd_flags = O_CLOEXEC};
    struct seccomp_notif_resp go_on = {.id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

    if (!same_text((pid_t)call->pid, call->data.args[1], path) ||
        ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give) < 0)
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on);
}

/* Closes all descriptors but three: what the others mean ends with whoever made them. */
static void keep_three(unsigned a, unsigned b, unsigned c)
{
    for (unsigned fd = 0, end = (unsigned)sysconf(_SC_OPEN_MAX); fd < end; fd++)
        if (fd != a && fd != b && fd != c)
            close((int)fd);
}

/*
 * Ends with the child, which is told by its pidfd: a death signal from a process without rights
 * would not reach us. We are under the filter ourselves: no openat() here, nor in what is called.
 */
static _Noreturn void serve(int listener, const char *path, int fd, int child)
{
    struct pollfd fds[2] = {{.fd = listener, .events = POLLIN}, {.fd = child, .events = POLLIN}};
    struct seccomp_notif call;

    keep_three((unsigned)listener, (unsigned)fd, (unsigned)child);
    while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
        memset(&call, 0, sizeof(call));
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0)
            answer(listener, &call, path, fd);
        else if (errno != EINTR && errno != ENOENT) /* ENOENT: the caller was killed */
            break;
    }
    _exit(0);
}

bool opener_start(const char *path, int fd)
{
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int listener = self < 0 ? -1 : install();

    if (listener < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        serve(listener, path, fd, self);
    close(listener);
    close(self);
    return pid > 0;
}
