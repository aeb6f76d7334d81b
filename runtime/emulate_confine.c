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

#include "runtime/caps.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(cap) (UINT64_C(1) << (cap))

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define OUR_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OUR_ARCH AUDIT_ARCH_S390X
#endif

#ifdef OUR_ARCH
static const uint16_t allowed[] = {
    SYS_ppoll,      SYS_ioctl,        SYS_openat,       SYS_openat2,    SYS_close,
    SYS_chroot,     SYS_pread64,      SYS_pwrite64,     SYS_read,       SYS_fstat,
    SYS_newfstatat, SYS_fstatfs,      SYS_setxattr,     SYS_prlimit64,  SYS_mknodat,
    SYS_umask,      SYS_readlinkat,   SYS_fcntl,        SYS_brk,        SYS_mmap,
    SYS_munmap,     SYS_mremap,       SYS_mprotect,     SYS_madvise,    SYS_futex,
    SYS_getrandom,  SYS_rt_sigreturn, SYS_rt_sigaction, SYS_exit_group, SYS_restart_syscall,
#ifdef SYS_poll
    SYS_poll,
#endif
};

enum { N_ALLOWED = sizeof(allowed) / sizeof(*allowed) };

static int restrict_calls(struct err *err)
{
    struct sock_filter code[N_ALLOWED + 6];
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < N_ALLOWED; i++) /* jump over the rest and the refusal */
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
                                                 (uint8_t)(N_ALLOWED - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return err_errno(err, -errno, "restrict system calls");
    return 0;
}
#else
static int restrict_calls(struct err *err)
{
    return 0;
}
#endif

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
