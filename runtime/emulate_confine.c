/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what a supervisor does not need.
 *
 * It reads the memory of hostile processes and walks their paths, in their user and mount
 * namespaces. What it could be made to do must be no more than they can do by themselves.
 *
 * Should: leave it with the capabilities of the container's own root for walking paths, those for
 * looking at its processes and for recording, and the calls that take. Mustn't: leave a way to
 * start a program, to write into a file, or to reach a network. */
#include "runtime/emulate_internal.h"

#include "base/syscalls.h"
#include "runtime/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(cap) (UINT64_C(1) << (cap))

static const uint16_t allowed[] = {
    SYS_ppoll,        SYS_ioctl,        SYS_openat,     SYS_openat2,
    SYS_close,        SYS_chroot,       SYS_pread64,    SYS_pwrite64,
    SYS_read,         SYS_fstat,        SYS_newfstatat, SYS_fstatfs,
    SYS_setxattr,     SYS_getxattr,     SYS_statx,      SYS_prlimit64,
    SYS_mknodat,      SYS_umask,        SYS_readlinkat, SYS_fcntl,
    SYS_brk,          SYS_mmap,         SYS_munmap,     SYS_mremap,
    SYS_mprotect,     SYS_madvise,      SYS_futex,      SYS_getrandom,
    SYS_rt_sigreturn, SYS_rt_sigaction, SYS_exit_group, SYS_restart_syscall,
#ifdef SYS_poll
    SYS_poll,
#endif
};

static int restrict_calls(struct err *err)
{
    int r = syscalls_allow_only(allowed, sizeof(allowed) / sizeof(*allowed));
    return r < 0 ? err_errno(err, r, "restrict system calls") : 0;
}

int emulate_confine(uint64_t caps, struct err *err)
{
    /* Of the container's own: how far its root sees. */
    uint64_t keep = caps & (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER));
    /* To record, to walk from another root, to read its processes and to set their limit. */
    keep |= BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_RESOURCE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    int r = caps_drop_bounding(keep, err);
    if (r == 0)
        r = caps_set(keep, err);
    prctl(PR_SET_DUMPABLE, 0);
    return r < 0 ? r : restrict_calls(err);
}
