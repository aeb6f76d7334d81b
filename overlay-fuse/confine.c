/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what a container's server does not need.
 *
 * The server reads what a hostile container writes into /dev/fuse and what a hostile image has in
 * its tars, and runs as the user, outside of the container.
 *
 * Should: leave it with nothing but its open directories and the calls to work in them. Mustn't:
 * leave a way to start a program, to reach a network, or to look into another process: all that its
 * procfs has for it is what everybody may read, above all on which CPU who asks it runs. */
#include "overlay-fuse/confine.h"

#include "base/syscalls.h"

#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The most frequent ones first: a filter is read from the top. */
static const uint16_t allowed[] = {
    SYS_read,         SYS_writev,
    SYS_pread64,      SYS_pwrite64,
    SYS_newfstatat,   SYS_openat,
    SYS_close,        SYS_sched_yield,
    SYS_ppoll,        SYS_fgetxattr,
    SYS_lgetxattr,    SYS_llistxattr,
    SYS_flistxattr,   SYS_fsetxattr,
    SYS_lsetxattr,    SYS_fremovexattr,
    SYS_lremovexattr, SYS_getxattr,
    SYS_setxattr,     SYS_listxattr,
    SYS_removexattr,  SYS_utimensat,
    SYS_unlinkat,     SYS_mkdirat,
    SYS_mknodat,      SYS_symlinkat,
    SYS_linkat,       SYS_renameat2,
    SYS_readlinkat,   SYS_fchmod,
    SYS_fchmodat,     SYS_ftruncate,
    SYS_fallocate,    SYS_copy_file_range,
    SYS_lseek,        SYS_getdents64,
    SYS_fsync,        SYS_fdatasync,
    SYS_fstatfs,      SYS_faccessat,
    SYS_fcntl,        SYS_fstat,
    SYS_write,        SYS_brk,
    SYS_mmap,         SYS_munmap,
    SYS_mremap,       SYS_madvise,
    SYS_mprotect,     SYS_futex,
    SYS_getrandom,    SYS_clock_gettime,
    SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_restart_syscall,
    SYS_getpid,       SYS_gettid,
    SYS_tgkill,       SYS_exit,
    SYS_exit_group,   SYS_sched_setaffinity,
    SYS_sigaltstack, /* AddressSanitizer, at the end of a thread */
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_fchmodat2
    SYS_fchmodat2,
#endif
};

static int restrict_calls(struct err *err)
{
    int r = syscalls_allow_only(allowed, sizeof(allowed) / sizeof(*allowed));
    return r < 0 && r != -ENOSYS ? err_errno(err, r, "restrict system calls") : 0;
}

int confine(struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    int r = syscalls_drop_capabilities(err);
    return r < 0 ? r : restrict_calls(err);
}
