/* SPDX-License-Identifier: Apache-2.0 */
/* What the port process gives up before it accepts the first connection.
 *
 * It never looks at a byte that it relays. Still it stands between the two worlds: it has listening
 * sockets of the host and makes sockets in the container.
 *
 * Should: leave those, and CAP_NET_ADMIN over the container's network, which sockets with the
 * addresses of others take. Mustn't: leave a file of the host, a program, another process, or any
 * power over the container's other namespaces. */
#include "netns/ports_internal.h"

#include "base/syscalls.h"

#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAGE "/tmp" /* any directory that is there: an empty one covers it */

/* The most frequent ones first: a filter is read from the top. */
static const uint16_t allowed[] = {
    SYS_splice,      SYS_epoll_pwait,  SYS_close,          SYS_setsockopt,    SYS_accept4,
    SYS_socket,      SYS_bind,         SYS_connect,        SYS_epoll_ctl,     SYS_getsockopt,
    SYS_shutdown,    SYS_recvfrom,     SYS_sendto,         SYS_recvmsg,       SYS_sendmsg,
    SYS_pipe2,       SYS_fcntl,        SYS_clock_gettime,  SYS_epoll_create1, SYS_prlimit64,
    SYS_brk,         SYS_mmap,         SYS_munmap,         SYS_mremap,        SYS_madvise,
    SYS_mprotect,    SYS_futex,        SYS_write,          SYS_getpid,        SYS_gettid,
    SYS_tgkill,      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,  SYS_restart_syscall,
    SYS_sigaltstack, SYS_exit,         SYS_exit_group,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
};

/* A mount namespace with an empty, read-only root. */
static int leave_files(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k") < 0)
        return -errno;
    if (chdir(STAGE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

static int keep_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct kept[2] = {0};
    for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
    kept[0].permitted = kept[0].effective = 1u << CAP_NET_ADMIN;
    return syscall(SYS_capset, &header, kept) < 0 ? -errno : 0;
}

int ports_confine(struct err *err)
{
    static const struct rlimit none = {0, 0};
    int r = leave_files();
    if (r < 0)
        return err_errno(err, r, "make an empty root");
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    r = keep_net_admin();
    if (r < 0)
        return err_errno(err, r, "drop capabilities");
    r = syscalls_allow_inet_only();
    if (r == 0)
        r = syscalls_allow_only(allowed, sizeof(allowed) / sizeof(*allowed));
    return r < 0 && r != -ENOSYS ? err_errno(err, r, "restrict system calls") : 0;
}
