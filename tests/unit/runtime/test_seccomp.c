/* SPDX-License-Identifier: Apache-2.0 */
/* What the default policy answers: its program is run by a small interpreter, not by the kernel. */
#include "runtime/sandbox.h"
#include "runtime/seccomp_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW   SECCOMP_RET_ALLOW
#define FAIL(e) (SECCOMP_RET_ERRNO | (e))
#define HIGH    UINT64_C(0x500000000)

/* The few instructions that libseccomp uses. */
static uint32_t run(const struct sock_filter *p, size_t len, const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < len; pc++) {
        const struct sock_filter *f = &p[pc];
        bool yes = false;
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(f->k + 4 <= sizeof(*d));
            memcpy(&a, (const char *)d + f->k, 4);
            continue;
        case BPF_ALU | BPF_AND | BPF_K: a &= f->k; continue;
        case BPF_JMP | BPF_JA: pc += f->k; continue;
        case BPF_RET | BPF_K: return f->k;
        case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
        case BPF_JMP | BPF_JGT | BPF_K: yes = a > f->k; break;
        case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
        case BPF_JMP | BPF_JSET | BPF_K: yes = a & f->k; break;
        default: fail_msg("instruction %#x", f->code);
        }
        pc += yes ? f->jt : f->jf;
    }
    fail_msg("no return");
    return 0;
}

static const struct {
    const char *what;
    uint32_t arch;
    int nr;
    uint64_t args[3];
    uint32_t want, want_admin; /* with CAP_SYS_ADMIN; 0: the same */
} rows[] = {
    {"read", AUDIT_ARCH_X86_64, 0, {0}, ALLOW, 0},
    {"unknown", AUDIT_ARCH_X86_64, 999, {0}, FAIL(ENOSYS), 0},
    {"unknown x32", AUDIT_ARCH_X86_64, 0x40000000 + 999, {0}, FAIL(ENOSYS), 0},
    {"unknown i386", AUDIT_ARCH_I386, 9999, {0}, FAIL(ENOSYS), 0},
    {"foreign machine", AUDIT_ARCH_S390X, 0, {0}, SECCOMP_RET_KILL, 0},
    {"clone3", AUDIT_ARCH_X86_64, 435, {0}, FAIL(ENOSYS), ALLOW},
    {"fork by clone", AUDIT_ARCH_X86_64, 56, {17}, ALLOW, 0},
    {"clone newuser", AUDIT_ARCH_X86_64, 56, {CLONE_NEWUSER | 17}, FAIL(EPERM), ALLOW},
    {"clone newuser, high word", AUDIT_ARCH_X86_64, 56, {HIGH | CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"clone newuser x32", AUDIT_ARCH_X86_64, 0x40000000 + 56, {CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"clone newuser i386", AUDIT_ARCH_I386, 120, {CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"unshare fs", AUDIT_ARCH_X86_64, 272, {CLONE_FS}, ALLOW, 0},
    {"unshare newuser", AUDIT_ARCH_X86_64, 272, {CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"unshare both", AUDIT_ARCH_X86_64, 272, {CLONE_NEWNS | CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"unshare newuser i386", AUDIT_ARCH_I386, 310, {CLONE_NEWUSER}, FAIL(EPERM), ALLOW},
    {"setns", AUDIT_ARCH_X86_64, 308, {0}, FAIL(EPERM), ALLOW},
    {"bpf", AUDIT_ARCH_X86_64, 321, {0}, FAIL(EPERM), ALLOW},
    {"perf_event_open", AUDIT_ARCH_X86_64, 298, {0}, FAIL(EPERM), ALLOW},
    {"kexec_load", AUDIT_ARCH_X86_64, 246, {0}, FAIL(EPERM), 0},
    {"userfaultfd", AUDIT_ARCH_X86_64, 323, {0}, FAIL(EPERM), 0},
    {"vmsplice", AUDIT_ARCH_X86_64, 278, {0}, FAIL(EPERM), 0},
    {"swapon", AUDIT_ARCH_X86_64, 167, {0}, FAIL(EPERM), 0},
    {"move_pages", AUDIT_ARCH_X86_64, 279, {0}, FAIL(EPERM), 0},
    {"init_module", AUDIT_ARCH_X86_64, 175, {0}, FAIL(EPERM), 0},
    {"io_uring_setup", AUDIT_ARCH_X86_64, 425, {0}, FAIL(ENOSYS), 0},
    {"add_key", AUDIT_ARCH_X86_64, 248, {0}, FAIL(ENOSYS), 0},
    {"chroot", AUDIT_ARCH_X86_64, 161, {0}, ALLOW, 0},
    {"socket inet", AUDIT_ARCH_X86_64, 41, {2, 1, 0}, ALLOW, 0},
    {"socket inet, protocol 9", AUDIT_ARCH_X86_64, 41, {2, 3, 9}, ALLOW, 0},
    {"socket netlink route", AUDIT_ARCH_X86_64, 41, {16, 3, 0}, ALLOW, 0},
    {"socket netlink audit", AUDIT_ARCH_X86_64, 41, {16, 3, 9}, FAIL(EINVAL), 0},
    {"audit, high words", AUDIT_ARCH_X86_64, 41, {HIGH | 16, 3, HIGH | 9}, FAIL(EINVAL), 0},
    {"audit x32", AUDIT_ARCH_X86_64, 0x40000000 + 41, {16, 3, 9}, FAIL(EINVAL), 0},
    {"audit i386", AUDIT_ARCH_I386, 359, {16, 3, 9}, FAIL(EINVAL), 0},
    {"route i386", AUDIT_ARCH_I386, 359, {16, 3, 0}, ALLOW, 0},
    {"personality 0", AUDIT_ARCH_X86_64, 135, {0}, ALLOW, 0},
    {"personality query", AUDIT_ARCH_X86_64, 135, {0xffffffff}, ALLOW, 0},
    {"personality no randomize", AUDIT_ARCH_X86_64, 135, {0x40000}, FAIL(ENOSYS), 0},
    {"arch_prctl", AUDIT_ARCH_X86_64, 158, {0}, ALLOW, 0},
};

static void answers(void **state)
{
    for (int admin = 0; admin < 2; admin++) {
        uint64_t caps = sandbox_default_caps() | (uint64_t)admin << CAP_SYS_ADMIN;
        struct sock_filter *program;
        size_t len;
        assert_int_equal(seccomp_profile_compile("x86_64", caps, &program, &len, NULL), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            struct seccomp_data d = {.nr = rows[i].nr, .arch = rows[i].arch};
            memcpy(d.args, rows[i].args, sizeof(rows[i].args));
            uint32_t want = admin && rows[i].want_admin ? rows[i].want_admin : rows[i].want;
            uint32_t got = run(program, len, &d);
            if (got != want)
                fail_msg("%s (admin %d): %#x, not %#x", rows[i].what, admin, got, want);
        }
        free(program);
    }
}

/* The other machine's program compiles here too, and knows its own numbers. */
static void arm(void **state)
{
    struct sock_filter *program;
    size_t len;
    uint64_t caps = sandbox_default_caps();
    assert_int_equal(seccomp_profile_compile("aarch64", caps, &program, &len, NULL), 0);
    struct seccomp_data d = {.nr = 63 /* read */, .arch = AUDIT_ARCH_AARCH64};
    assert_int_equal(run(program, len, &d), ALLOW);
    d = (struct seccomp_data){.nr = 97, .arch = AUDIT_ARCH_AARCH64, .args = {CLONE_NEWUSER}};
    assert_int_equal(run(program, len, &d), FAIL(EPERM));
    d = (struct seccomp_data){.nr = 198, .arch = AUDIT_ARCH_AARCH64, .args = {16, 3, 9}};
    assert_int_equal(run(program, len, &d), FAIL(EINVAL));
    free(program);
}

static void same(void **state)
{
    uint64_t caps = sandbox_default_caps();
    assert_true(seccomp_profile_same(caps, caps & ~(UINT64_C(1) << CAP_CHOWN)));
    assert_false(seccomp_profile_same(caps, caps & ~(UINT64_C(1) << CAP_SYS_CHROOT)));
    assert_false(seccomp_profile_same(caps, caps | UINT64_C(1) << CAP_SYS_ADMIN));
    assert_false(seccomp_profile_same(caps, caps | UINT64_C(1) << CAP_AUDIT_WRITE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(arm),
                                       cmocka_unit_test(same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
