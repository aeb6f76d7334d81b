/* SPDX-License-Identifier: Apache-2.0 */
/* A process that works for hostile ones gives up the system calls that it does not need. */
#include "base/syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int syscalls_drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) < 0)
        return err_errno(err, -errno, "drop capabilities");
    return 0;
}

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

static int install(struct sock_filter *code, size_t n)
{
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
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
    return install(code, at);
}

/* The low word of an int argument. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST_ARGUMENT (offsetof(struct seccomp_data, args[0]) + 4)
#else
#define FIRST_ARGUMENT offsetof(struct seccomp_data, args[0])
#endif

int syscalls_allow_inet_only(void)
{
    struct sock_filter code[] = {
        load(offsetof(struct seccomp_data, nr)),
        jump_if(SYS_socket, 0, 3),
        load(FIRST_ARGUMENT),
        jump_if(AF_INET, 1, 0),
        jump_if(AF_INET6, 0, 1),
        answer(SECCOMP_RET_ALLOW),
        answer(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
    };
    return install(code, sizeof(code) / sizeof(*code));
}
#else
int syscalls_allow_inet_only(void)
{
    return 0;
}

int syscalls_allow_only(const uint16_t *allowed, size_t n)
{
    return 0;
}
#endif
