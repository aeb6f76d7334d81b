/* SPDX-License-Identifier: Apache-2.0 */
/* The default seccomp policy.
 *
 * Theory of operation. podman's default policy (containers-common, seccomp.json) in our own table:
 * what is not named answers ENOSYS, so that a libc falls back instead of giving up; calls that
 * a capability gates answer EPERM without it. Two things are stricter unless the container has
 * CAP_SYS_ADMIN: clone and unshare may not make a user namespace (most kernel privilege escalations
 * of the last years start there), and clone3, whose flags a filter cannot read, answers ENOSYS, so
 * libc uses clone.
 *
 * Arguments that the kernel takes as 32 bits are compared as 32 bits: a plain comparison would let
 * a value with a high word set pass for another.
 *
 * Should: give the same program for the same capabilities. Mustn't: be used for anything but
 * building a program (nothing is loaded here). */
#include "runtime/seccomp_profile.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define HAS(caps, cap) (((caps) >> (cap)) & 1)
#define LOW32          UINT64_C(0xffffffff)

static const char *const allowed[] = {
    "_llseek",
    "_newselect",
    "accept",
    "accept4",
    "access",
    "adjtimex",
    "alarm",
    "bind",
    "brk",
    "cachestat",
    "capget",
    "capset",
    "chdir",
    "chmod",
    "chown",
    "chown32",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "close",
    "close_range",
    "connect",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "epoll_wait_old",
    "eventfd",
    "eventfd2",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fadvise64_64",
    "fallocate",
    "fanotify_mark",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchown32",
    "fchownat",
    "fcntl",
    "fcntl64",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fork",
    "fremovexattr",
    "fsconfig",
    "fsetxattr",
    "fsmount",
    "fsopen",
    "fspick",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "fsync",
    "ftruncate",
    "ftruncate64",
    "futex",
    "futex_requeue",
    "futex_time64",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "futimesat",
    "get_mempolicy",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getgroups",
    "getgroups32",
    "getitimer",
    "getpeername",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresgid32",
    "getresuid",
    "getresuid32",
    "getrlimit",
    "getrusage",
    "getsid",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "getxattr",
    "getxattrat",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_setup",
    "io_submit",
    "ioctl",
    "ioprio_get",
    "ioprio_set",
    "ipc",
    "keyctl",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "lchown",
    "lchown32",
    "lgetxattr",
    "link",
    "linkat",
    "listen",
    "listmount",
    "listxattr",
    "listxattrat",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "lstat64",
    "madvise",
    "map_shadow_stack",
    "mbind",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mincore",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mmap2",
    "mount",
    "mount_setattr",
    "move_mount",
    "mprotect",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedreceive_time64",
    "mq_timedsend",
    "mq_timedsend_time64",
    "mq_unlink",
    "mremap",
    "mseal",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "name_to_handle_at",
    "nanosleep",
    "newfstatat",
    "open",
    "open_tree",
    "openat",
    "openat2",
    "pause",
    "pidfd_getfd",
    "pidfd_open",
    "pidfd_send_signal",
    "pipe",
    "pipe2",
    "pivot_root",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "poll",
    "ppoll",
    "ppoll_time64",
    "prctl",
    "pread64",
    "preadv",
    "preadv2",
    "prlimit64",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "pselect6",
    "pselect6_time64",
    "ptrace",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readdir",
    "readlink",
    "readlinkat",
    "readv",
    "reboot",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "remap_file_pages",
    "removexattr",
    "removexattrat",
    "rename",
    "renameat",
    "renameat2",
    "restart_syscall",
    "rmdir",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_rr_get_interval_time64",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "select",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "semtimedop_time64",
    "send",
    "sendfile",
    "sendfile64",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "setfsgid",
    "setfsgid32",
    "setfsuid",
    "setfsuid32",
    "setgid",
    "setgid32",
    "setgroups",
    "setgroups32",
    "setitimer",

    "setpgid",
    "setpriority",
    "setregid",
    "setregid32",
    "setresgid",
    "setresgid32",
    "setresuid",
    "setresuid32",
    "setreuid",
    "setreuid32",
    "setrlimit",
    "setsid",
    "setsockopt",
    "setuid",
    "setuid32",
    "setxattr",
    "setxattrat",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "shutdown",
    "sigaction",
    "sigaltstack",
    "signal",
    "signalfd",
    "signalfd4",
    "sigpending",
    "sigprocmask",
    "sigreturn",
    "sigsuspend",
    "socketcall",
    "socketpair",
    "splice",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statmount",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "syscall",
    "sysinfo",
    "syslog",
    "tee",
    "tgkill",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_gettime64",
    "timer_settime",
    "timer_settime64",
    "timerfd",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_gettime64",
    "timerfd_settime",
    "timerfd_settime64",
    "times",
    "tkill",
    "truncate",
    "truncate64",
    "ugetrlimit",
    "umask",
    "umount",
    "umount2",
    "uname",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimensat_time64",
    "utimes",
    "vfork",
    "wait4",
    "waitid",
    "waitpid",
    "write",
    "writev",
};

static const char *const refused[] = {
    "bdflush",         "io_pgetevents",
    "kexec_file_load", "kexec_load",
    "migrate_pages",   "move_pages",
    "nfsservctl",      "nice",
    "oldfstat",        "oldlstat",
    "oldolduname",     "oldstat",
    "olduname",        "pciconfig_iobase",
    "pciconfig_read",  "pciconfig_write",
    "sgetmask",        "ssetmask",
    "swapcontext",     "swapoff",
    "swapon",          "sysfs",
    "uselib",          "userfaultfd",
    "ustat",           "vm86",
    "vm86old",         "vmsplice",
};

/* Allowed with the capability, EPERM without it. */
static const struct gate {
    int cap;
    const char *names[9];
} gates[] = {
    {CAP_DAC_READ_SEARCH, {"open_by_handle_at"}},
    {CAP_SYS_ADMIN,
     {"bpf", "fanotify_init", "lookup_dcookie", "perf_event_open", "quotactl", "setdomainname",
      "sethostname", "setns"}},
    {CAP_SYS_CHROOT, {"chroot"}},
    {CAP_SYS_MODULE, {"delete_module", "finit_module", "init_module", "query_module"}},
    {CAP_SYS_PACCT, {"acct"}},
    {CAP_SYS_PTRACE, {"kcmp", "process_madvise"}},
    {CAP_SYS_RAWIO, {"ioperm", "iopl"}},
    {CAP_SYS_TIME, {"clock_settime", "clock_settime64", "settimeofday", "stime"}},
    {CAP_SYS_TTY_CONFIG, {"vhangup"}},
};

/* PER_LINUX, PER_LINUX32, both with UNAME26, and the query. */
static const uint32_t personalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

enum { SOCKETS_MAX = 3, GUARD_MAX = 9 * SOCKETS_MAX };

static const struct machine {
    const char *name;
    uint32_t archs[3];
    const char *extra[7]; /* calls of this machine only */
    struct {
        uint32_t arch, nr;
    } sockets[SOCKETS_MAX]; /* socket() of each architecture */
} machines[] = {
    {"x86_64",
     {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32},
     {"arch_prctl", "modify_ldt"},
     {{AUDIT_ARCH_X86_64, 41}, {AUDIT_ARCH_X86_64, 0x40000000 + 41}, {AUDIT_ARCH_I386, 359}}},
    {"aarch64",
     {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
     {"arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls",
      "sync_file_range2"},
     {{AUDIT_ARCH_AARCH64, 198}, {AUDIT_ARCH_ARM, 281}}},
};

/* One rule for every architecture that knows the call. libseccomp may be older than the name. */
static int rule(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
                const struct scmp_arg_cmp *args)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR)
        return 0;
    int r = seccomp_rule_add_array(ctx, action, nr, n, args);
    return r == -EDOM || r == -EEXIST ? 0 : r;
}

static int rules(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t max)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < max && names[i]; i++)
        r = rule(ctx, action, names[i], 0, NULL);
    return r;
}

/* socket(AF_NETLINK, _, NETLINK_AUDIT) is refused without CAP_AUDIT_WRITE. libseccomp has no "not
 * equal under a mask"; spelling it out took 64 rules and 50 ms, so this check is our own and stands
 * in front of the compiled program. One block for each way to call socket(). */
static size_t audit_guard(const struct machine *m, uint64_t caps, struct sock_filter *out)
{
    enum { NETLINK_AUDIT_NUMBER = 9, BLOCK = 9 };
    size_t n = 0;
    if (!m || HAS(caps, CAP_AUDIT_WRITE))
        return 0;
    for (size_t i = 0; i < SOCKETS_MAX && m->sockets[i].arch; i++, n += BLOCK) {
        const struct sock_filter block[BLOCK] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, m->sockets[i].arch, 0, 7),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, m->sockets[i].nr, 0, 5),
            /* The low words: these machines are little-endian. */
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_AUDIT_NUMBER, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        };
        memcpy(out + n, block, sizeof(block));
    }
    return n;
}

static int namespace_rules(scmp_filter_ctx ctx, uint64_t caps)
{
    static const char *const makers[] = {"clone", "unshare"};
    int r = 0;
    if (HAS(caps, CAP_SYS_ADMIN)) {
        r = rules(ctx, SCMP_ACT_ALLOW, makers, 2);
        return r < 0 ? r : rule(ctx, SCMP_ACT_ALLOW, "clone3", 0, NULL);
    }
    for (size_t i = 0; r == 0 && i < 2; i++) {
        struct scmp_arg_cmp without = SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, 0);
        struct scmp_arg_cmp with = SCMP_CMP(0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
        r = rule(ctx, SCMP_ACT_ALLOW, makers[i], 1, &without);
        if (r == 0)
            r = rule(ctx, SCMP_ACT_ERRNO(EPERM), makers[i], 1, &with);
    }
    return r;
}

static int all_rules(scmp_filter_ctx ctx, const struct machine *m, uint64_t caps)
{
    int r = rules(ctx, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(*allowed));
    if (r == 0)
        r = rules(ctx, SCMP_ACT_ERRNO(EPERM), refused, sizeof(refused) / sizeof(*refused));
    if (r == 0 && m)
        r = rules(ctx, SCMP_ACT_ALLOW, m->extra, sizeof(m->extra) / sizeof(*m->extra));
    for (size_t i = 0; r == 0 && i < sizeof(gates) / sizeof(*gates); i++)
        r = rules(ctx, HAS(caps, gates[i].cap) ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM),
                  gates[i].names, 9);
    for (size_t i = 0; r == 0 && i < sizeof(personalities) / sizeof(*personalities); i++) {
        struct scmp_arg_cmp is = SCMP_CMP(0, SCMP_CMP_MASKED_EQ, LOW32, personalities[i]);
        r = rule(ctx, SCMP_ACT_ALLOW, "personality", 1, &is);
    }
    if (r == 0)
        r = rule(ctx, SCMP_ACT_ALLOW, "socket", 0, NULL); /* see audit_guard() */
    return r < 0 ? r : namespace_rules(ctx, caps);
}

static int archs_add(scmp_filter_ctx ctx, const struct machine *m)
{
    int r = 0;
    if (!m)
        return 0;
    if (seccomp_arch_native() != m->archs[0])
        r = seccomp_arch_remove(ctx, seccomp_arch_native());
    for (size_t i = 0; r == 0 && i < 3 && m->archs[i]; i++) {
        r = seccomp_arch_add(ctx, m->archs[i]);
        if (r == -EEXIST)
            r = 0;
    }
    return r;
}

int seccomp_profile_export(void *ctx, const struct sock_filter *guard, size_t n_guard,
                           struct sock_filter **ret, size_t *ret_len)
{
    auto_close int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(ctx, fd);
    if (r < 0)
        return r;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    size_t len = (size_t)st.st_size / sizeof(struct sock_filter);
    if (len == 0 || n_guard + len > BPF_MAXINSNS)
        return -E2BIG;
    struct sock_filter *program = calloc(n_guard + len, sizeof(*program));
    if (!program)
        return -ENOMEM;
    if (n_guard)
        memcpy(program, guard, n_guard * sizeof(*program));
    ssize_t n = pread_full(fd, program + n_guard, len * sizeof(*program), 0);
    if (n != (ssize_t)(len * sizeof(*program))) {
        free(program);
        return n < 0 ? (int)n : -EIO;
    }
    *ret = program;
    *ret_len = n_guard + len;
    return 0;
}

int seccomp_profile_compile(const char *machine, uint64_t caps, struct sock_filter **ret,
                            size_t *ret_len, struct err *err)
{
    const struct machine *m = NULL;
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
        if (strcmp(machines[i].name, machine) == 0)
            m = &machines[i];
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!ctx)
        return err_set(err, -ENOMEM, "seccomp: out of memory");
    int r = archs_add(ctx, m);
    if (r == 0) /* 2: a binary tree; unknown to libseccomp before 2.5, where the list does */
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = all_rules(ctx, m, caps);
    struct sock_filter guard[GUARD_MAX];
    if (r == 0)
        r = seccomp_profile_export(ctx, guard, audit_guard(m, caps, guard), ret, ret_len);
    seccomp_release(ctx);
    return r < 0 ? err_errno(err, r, "compile the seccomp policy") : 0;
}

bool seccomp_profile_same(uint64_t caps_a, uint64_t caps_b)
{
    uint64_t matter = UINT64_C(1) << CAP_AUDIT_WRITE;
    for (size_t i = 0; i < sizeof(gates) / sizeof(*gates); i++)
        matter |= UINT64_C(1) << gates[i].cap;
    return (caps_a & matter) == (caps_b & matter);
}
