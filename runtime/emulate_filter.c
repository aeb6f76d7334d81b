/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of root emulation.
 *
 * Should: let every call pass that the kernel answers rightly, in the filter itself; decide calls
 * that are not emulated by their number alone, so that the kernel remembers them as allowed and
 * never runs the filter for them. Mustn't: allow what the container's policy, a filter of its own,
 * forbids. */
#include "runtime/emulate.h"

#include "runtime/emulate_calls.h"
#include "runtime/emulate_table.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define BIT(cap) (UINT64_C(1) << (cap))

struct program {
    struct sock_filter *code;
    size_t len;
    uint32_t action;
};

static void emit(struct program *p, struct sock_filter f)
{
    if (p->len < EMULATE_FILTER_MAX)
        p->code[p->len] = f;
    p->len++;
}

static void load(struct program *p, size_t offset)
{
    emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void jump(struct program *p, uint32_t value, uint8_t yes, uint8_t no)
{
    emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no));
}

static void answer(struct program *p, uint32_t action)
{
    emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The low word of an argument: all that these calls look at. */
static void load_arg(struct program *p, unsigned arg, uint32_t mask)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    enum { LOW = 4 };
#else
    enum { LOW = 0 };
#endif
    load(p, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + LOW);
    if (mask != UINT32_MAX)
        emit(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

/* Owners of 0 and -1 are the kernel's business. */
static void chown_body(struct program *p, unsigned uid_arg, bool narrow)
{
    uint32_t all = narrow ? 0xffff : UINT32_MAX;
    load_arg(p, uid_arg, all);
    jump(p, 0, 1, 0);
    jump(p, all, 0, narrow ? 4 : 3); /* to our answer */
    load_arg(p, uid_arg + 1, all);
    jump(p, 0, 2, 0);
    jump(p, all, 1, 0);
    answer(p, p->action);
    answer(p, SECCOMP_RET_ALLOW);
}

static void mknod_body(struct program *p, unsigned mode_arg)
{
    load_arg(p, mode_arg, S_IFMT);
    jump(p, S_IFCHR, 2, 0);
    jump(p, S_IFBLK, 1, 0);
    answer(p, SECCOMP_RET_ALLOW);
    answer(p, p->action);
}

/* With this first argument it is ours, else the kernel's. */
static void first_body(struct program *p, uint32_t value, uint32_t action)
{
    load_arg(p, 0, UINT32_MAX);
    jump(p, value, 0, 1);
    answer(p, action);
    answer(p, SECCOMP_RET_ALLOW);
}

/* prlimit64(pid, RLIMIT_LOCKS, new, old) with something new. */
static void prlimit_body(struct program *p)
{
    load_arg(p, 1, UINT32_MAX);
    jump(p, RLIMIT_LOCKS, 0, 2);
    load_arg(p, 2, UINT32_MAX);
    jump(p, 0, 0, 1);
    answer(p, SECCOMP_RET_ALLOW);
    answer(p, SECCOMP_RET_ERRNO | 0);
}

static void body(struct program *p, const struct emulate_call *call)
{
    switch (call->op) {
    case OP_CHOWN:
    case OP_LCHOWN:
    case OP_FCHOWN: chown_body(p, 1, call->narrow); break;
    case OP_FCHOWNAT: chown_body(p, 2, false); break;
    case OP_MKNOD: mknod_body(p, 1); break;
    case OP_MKNODAT: mknod_body(p, 2); break;
    case OP_PRCTL: first_body(p, PR_SET_KEEPCAPS, p->action); break;
    case OP_SETRLIMIT: first_body(p, RLIMIT_LOCKS, SECCOMP_RET_ERRNO | 0); break;
    case OP_PRLIMIT: prlimit_body(p); break;
    default: answer(p, p->action);
    }
}

/* A container without a capability gets the kernel's refusal. Devices and access lists go with the
 * right to change owners: the kernel would not have given any of them to a container's root. */
static bool wanted(enum emulate_op op, uint64_t caps, enum root_emulation how)
{
    bool notify = how != EMULATE_FIXED;
    if (op >= OP_STAT)
        return how == EMULATE_CONSISTENT;
    if (op <= OP_MKNODAT)
        return caps & BIT(CAP_CHOWN);
    if (op <= OP_FSETXATTR)
        return notify && caps & BIT(CAP_CHOWN);
    if (op <= OP_SETFSUID)
        return caps & BIT(CAP_SETUID);
    if (op <= OP_SETGROUPS)
        return caps & BIT(CAP_SETGID);
    return notify;
}

size_t emulate_filter(const struct emulate_call *table, uint64_t caps, enum root_emulation how,
                      struct sock_filter out[static EMULATE_FILTER_MAX])
{
    struct program p = {.code = out,
                        .action =
                            how == EMULATE_FIXED ? SECCOMP_RET_ERRNO | 0 : SECCOMP_RET_USER_NOTIF};
    while (table->arch) {
        uint32_t arch = table->arch;
        load(&p, offsetof(struct seccomp_data, arch));
        jump(&p, arch, 1, 0);
        size_t past = p.len; /* over this architecture's part, whose length is not known yet */
        emit(&p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
        load(&p, offsetof(struct seccomp_data, nr));
        for (; table->arch == arch; table++) {
            if (!wanted(table->op, caps, how))
                continue;
            size_t test = p.len;
            jump(&p, table->nr, 0, 0);
            body(&p, table);
            if (p.len <= EMULATE_FILTER_MAX)
                out[test].jf = (uint8_t)(p.len - test - 1);
        }
        answer(&p, SECCOMP_RET_ALLOW);
        if (p.len <= EMULATE_FILTER_MAX)
            out[past].k = (uint32_t)(p.len - past - 1);
    }
    answer(&p, SECCOMP_RET_ALLOW); /* an architecture that the policy will kill */
    return p.len;
}

const struct emulate_call *emulate_calls(void)
{
    return emulate_table;
}

const struct emulate_call *emulate_find(uint32_t arch, uint32_t nr)
{
    for (const struct emulate_call *c = emulate_table; c->arch; c++)
        if (c->arch == arch && c->nr == nr)
            return c;
    return NULL;
}

static int load_filter(uint64_t caps, enum root_emulation how)
{
    bool notify = how != EMULATE_FIXED;
    struct sock_filter code[EMULATE_FILTER_MAX];
    size_t len = emulate_filter(emulate_table, caps, how, code);
    if (len > EMULATE_FILTER_MAX)
        return -E2BIG;
    struct sock_fprog prog = {.len = (unsigned short)len, .filter = code};
    unsigned long flags = notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    /* So that a signal does not have a call begun again that is half done; Linux 5.19. */
    unsigned long better = notify ? flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : flags;
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, better, &prog);
    if (r < 0 && errno == EINVAL && better != flags)
        r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
    return r < 0 ? -errno : (int)r;
}

bool emulate_possible(const struct id_maps *ids)
{
    return ids->single && ids->uids[0].inside == 0 && ids->gids[0].inside == 0;
}

bool emulate_wanted(const struct sandbox *sb)
{
    return emulate_possible(&sb->ids) && sb->emulation != EMULATE_NONE;
}

bool emulate_shows_users(const struct sandbox *sb)
{
    return emulate_possible(&sb->ids) && sb->emulation != EMULATE_FIXED &&
           sb->emulation != EMULATE_NONE;
}

int emulate_load(const struct sandbox *sb, uint64_t caps, int *ret_listener, struct err *err)
{
    *ret_listener = -1;
    if (!emulate_wanted(sb))
        return 0;
    int r = -ENOSYS;
    if (sb->emulation != EMULATE_FIXED)
        r = load_filter(caps, sb->emulation);
    if (r >= 0) {
        *ret_listener = r;
        return 0;
    }
    if (sb->emulation != EMULATE_AUTO && sb->emulation != EMULATE_FIXED)
        return err_errno(err, r,
                         r == -EBUSY ? "root emulation: who started us listens to our system calls "
                                       "already (use --root-emulation=fixed)"
                                     : "root emulation");
    r = load_filter(caps, EMULATE_FIXED);
    return r < 0 ? err_errno(err, r, "root emulation") : 0;
}
