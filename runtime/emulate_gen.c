/* SPDX-License-Identifier: Apache-2.0 */
/* Runs while wherry is built: prints the table of emulated calls of a machine and of the
 * architectures whose programs it runs as well. */
#include "runtime/emulate_calls.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t archs[3];
} machines[] = {
    {"x86_64", {SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_X86}},
    {"aarch64", {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM}},
    {"riscv64", {SCMP_ARCH_RISCV64}},
    {"ppc64", {SCMP_ARCH_PPC64LE}},
    {"s390x", {SCMP_ARCH_S390X, SCMP_ARCH_S390}},
};

/* Where there is NAME32, NAME takes ids of 16 bits. */
static const struct {
    enum emulate_op op;
    const char *name, *wide;
} calls[] = {
    {OP_CHOWN, "chown", "chown32"},
    {OP_LCHOWN, "lchown", "lchown32"},
    {OP_FCHOWN, "fchown", "fchown32"},
    {OP_FCHOWNAT, "fchownat", NULL},
    {OP_MKNOD, "mknod", NULL},
    {OP_MKNODAT, "mknodat", NULL},
    {OP_SETXATTR, "setxattr", NULL},
    {OP_LSETXATTR, "lsetxattr", NULL},
    {OP_FSETXATTR, "fsetxattr", NULL},
    {OP_SETUID, "setuid", "setuid32"},
    {OP_SETREUID, "setreuid", "setreuid32"},
    {OP_SETRESUID, "setresuid", "setresuid32"},
    {OP_SETFSUID, "setfsuid", "setfsuid32"},
    {OP_SETGID, "setgid", "setgid32"},
    {OP_SETREGID, "setregid", "setregid32"},
    {OP_SETRESGID, "setresgid", "setresgid32"},
    {OP_SETFSGID, "setfsgid", "setfsgid32"},
    {OP_SETGROUPS, "setgroups", "setgroups32"},
    {OP_GETUID, "getuid", "getuid32"},
    {OP_GETEUID, "geteuid", "geteuid32"},
    {OP_GETGID, "getgid", "getgid32"},
    {OP_GETEGID, "getegid", "getegid32"},
    {OP_GETRESUID, "getresuid", "getresuid32"},
    {OP_GETRESGID, "getresgid", "getresgid32"},
    {OP_GETGROUPS, "getgroups", "getgroups32"},
    {OP_PRCTL, "prctl", NULL},
    {OP_SETRLIMIT, "setrlimit", NULL},
    {OP_PRLIMIT, "prlimit64", NULL},
    {OP_STAT, "stat", NULL},
    {OP_LSTAT, "lstat", NULL},
    {OP_FSTAT, "fstat", NULL},
    {OP_FSTATAT, "newfstatat", NULL},
    {OP_STATX, "statx", NULL},
    {OP_ACCESS, "access", NULL},
    {OP_FACCESSAT, "faccessat", NULL},
    {OP_FACCESSAT2, "faccessat2", NULL},
};

/* For programs of the machine's own architecture alone: others have structures of another form. */
static bool is_stat(enum emulate_op op)
{
    return op >= OP_STAT && op <= OP_FSTATAT;
}

/* What the kernel calls the architecture, whose rows stand together; x32 is a set of numbers of
 * x86_64. */
static uint32_t audit_arch(uint32_t arch)
{
    return arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch;
}

static void row(uint32_t arch, int nr, enum emulate_op op, bool narrow)
{
    if (nr >= 0)
        printf("    {0x%08x, 0x%08x, (enum emulate_op)%d, %d},\n", audit_arch(arch), (unsigned)nr,
               (int)op, narrow);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    printf("static const struct emulate_call emulate_table[] = {\n");
    for (size_t m = 0; m < sizeof(machines) / sizeof(*machines); m++) {
        if (strcmp(machines[m].name, argv[1]) != 0)
            continue;
        for (size_t a = 0; a < 3 && machines[m].archs[a]; a++) {
            uint32_t arch = machines[m].archs[a];
            for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++) {
                if (is_stat(calls[c].op) && a > 0)
                    continue;
                int wide = calls[c].wide ? seccomp_syscall_resolve_name_arch(arch, calls[c].wide)
                                         : __NR_SCMP_ERROR;
                row(arch, seccomp_syscall_resolve_name_arch(arch, calls[c].name), calls[c].op,
                    wide >= 0);
                row(arch, wide, calls[c].op, false);
            }
        }
    }
    printf("    {0, 0, OP_CHOWN, false},\n};\n");
    return 0;
}
