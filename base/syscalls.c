/* SPDX-License-Identifier: Apache-2.0 */
/* A process that works for hostile ones gives up the system calls that it does not need. */
#include "base/syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

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
static struct sock_filter load(size_t offset)
{
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter answer(uint32_t value)
{
    return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value);
}

static struct sock_filter jump_if(uint32_t value, size_t equal, size_t other)
{
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (uint8_t)equal,
                                        (uint8_t)other);
}

int syscalls_allow_only(const uint16_t *allowed, size_t n)
{
    struct sock_filter code[SYSCALLS_MAX + 6];
    size_t at = 0;
    if (n > SYSCALLS_MAX)
        return -E2BIG;
    code[at++] = load(offsetof(struct seccomp_data, arch));
    code[at++] = jump_if(OUR_ARCH, 1, 0);
    code[at++] = answer(SECCOMP_RET_KILL_PROCESS);
    code[at++] = load(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n; i++) /* over the rest and the refusal */
        code[at++] = jump_if(allowed[i], n - i, 0);
    code[at++] = answer(SECCOMP_RET_ERRNO | EPERM);
    code[at++] = answer(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
#else
int syscalls_allow_only(const uint16_t *allowed, size_t n)
{
    return 0;
}
#endif
