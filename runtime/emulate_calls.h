/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that root emulation answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum emulate_op {
    OP_CHOWN,
    OP_LCHOWN,
    OP_FCHOWN,
    OP_FCHOWNAT,
    OP_MKNOD,
    OP_MKNODAT,
    OP_SETXATTR,
    OP_LSETXATTR,
    OP_FSETXATTR,
    OP_SETUID,
    OP_SETREUID,
    OP_SETRESUID,
    OP_SETFSUID,
    OP_SETGID,
    OP_SETREGID,
    OP_SETRESGID,
    OP_SETFSGID,
    OP_SETGROUPS,
    OP_GETUID,
    OP_GETEUID,
    OP_GETGID,
    OP_GETEGID,
    OP_GETRESUID,
    OP_GETRESGID,
    OP_GETGROUPS,
    OP_PRCTL,     /* PR_SET_KEEPCAPS */
    OP_SETRLIMIT, /* RLIMIT_LOCKS (emulate_ids.h) */
    OP_PRLIMIT,
    /* What only "consistent" answers. */
    OP_STAT,
    OP_LSTAT,
    OP_FSTAT,
    OP_FSTATAT,
    OP_STATX,
    OP_ACCESS,
    OP_FACCESSAT,
    OP_FACCESSAT2,
};

/* One call of one architecture. The table (emulate_table.h) is made while wherry is built, by
 * libseccomp's names. */
struct emulate_call {
    uint32_t arch; /* AUDIT_ARCH_... */
    uint32_t nr;   /* x32 with its bit */
    enum emulate_op op;
    bool narrow; /* ids of 16 bits, as they were before Linux 2.4 */
};
