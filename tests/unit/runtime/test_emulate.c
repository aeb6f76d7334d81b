/* SPDX-License-Identifier: Apache-2.0 */
/* Root emulation: the rules of set*id as tables, and which calls the filter takes. */
#include "runtime/emulate.h"
#include "runtime/emulate_calls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define K IDS_KEEP

static void set_ids(void **state)
{
    static const struct {
        char call; /* s: set, r: setre, 3: setres, f: setfs */
        struct id_set before;
        uint32_t a, b, c;
        bool privileged;
        int result;
        struct id_set after;
    } rows[] = {
        {'s', {0, 0, 0, 0}, 33, 0, 0, true, 0, {33, 33, 33, 33}},
        {'s', {33, 0, 0, 0}, 34, 0, 0, true, 0, {34, 34, 34, 34}},
        {'s', {33, 33, 33, 33}, 0, 0, 0, false, -EPERM, {33, 33, 33, 33}},
        {'s', {33, 33, 0, 33}, 0, 0, 0, false, 0, {33, 0, 0, 0}},
        {'s', {0, 0, 0, 0}, K, 0, 0, true, -EINVAL, {0, 0, 0, 0}},
        {'r', {0, 0, 0, 0}, K, 33, 0, true, 0, {0, 33, 33, 33}},
        {'r', {0, 33, 33, 33}, K, 0, 0, false, 0, {0, 0, 33, 0}},
        {'r', {0, 0, 0, 0}, 33, 33, 0, true, 0, {33, 33, 33, 33}},
        {'r', {5, 6, 7, 6}, 6, 5, 0, false, 0, {6, 5, 5, 5}},
        {'r', {5, 6, 7, 6}, 7, K, 0, false, -EPERM, {5, 6, 7, 6}},
        {'r', {5, 6, 7, 6}, K, 7, 0, false, 0, {5, 7, 7, 7}},
        {'r', {5, 6, 7, 6}, K, K, 0, false, 0, {5, 6, 7, 6}},
        {'3', {0, 0, 0, 0}, 1, 2, 3, true, 0, {1, 2, 3, 2}},
        {'3', {0, 0, 0, 0}, K, 33, K, true, 0, {0, 33, 0, 33}},
        {'3', {0, 33, 0, 33}, K, 0, K, false, 0, {0, 0, 0, 0}},
        {'3', {1, 2, 3, 2}, 3, 1, 2, false, 0, {3, 1, 2, 1}},
        {'3', {1, 2, 3, 2}, 3, 1, 4, false, -EPERM, {1, 2, 3, 2}},
        {'f', {0, 0, 0, 0}, 33, 0, 0, true, 0, {0, 0, 0, 33}},
        {'f', {1, 2, 3, 2}, 4, 0, 0, false, 2, {1, 2, 3, 2}},
        {'f', {1, 2, 3, 2}, 3, 0, 0, false, 2, {1, 2, 3, 3}},
        {'f', {1, 2, 3, 2}, K, 0, 0, true, 2, {1, 2, 3, 2}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct id_set s = rows[i].before;
        int r = 0;
        switch (rows[i].call) {
        case 's': r = ids_set(&s, rows[i].a, rows[i].privileged); break;
        case 'r': r = ids_setre(&s, rows[i].a, rows[i].b, rows[i].privileged); break;
        case '3': r = ids_setres(&s, rows[i].a, rows[i].b, rows[i].c, rows[i].privileged); break;
        case 'f': r = (int)ids_setfs(&s, rows[i].a, rows[i].privileged); break;
        }
        if (r != rows[i].result || memcmp(&s, &rows[i].after, sizeof(s)) != 0)
            fail_msg("row %zu: %d, %u %u %u %u", i, r, s.real, s.effective, s.saved, s.fs);
    }
}

static void capabilities(void **state)
{
    struct ids ids = {0};
    struct id_set old = ids.uid;
    assert_true(ids_privileged(&ids));
    ids_setres(&ids.uid, 33, 33, 33, true);
    ids_settle(&ids, &old);
    assert_false(ids_privileged(&ids));
    ids = (struct ids){.keeps = 1};
    ids_setres(&ids.uid, 33, 33, 33, true);
    ids_settle(&ids, &old);
    assert_true(ids_privileged(&ids)); /* they were asked to stay, once */
    assert_int_equal(ids.keeps, 0);
    old = ids.uid;
    ids_setres(&ids.uid, 0, 0, 0, true);
    ids_settle(&ids, &old);
    old = ids.uid;
    ids_setres(&ids.uid, 33, 33, 33, true);
    ids_settle(&ids, &old);
    assert_false(ids_privileged(&ids));
}

static void table(void **state)
{
    struct ids_table t = {0};
    struct ids a = {.n_groups = IDS_KEEP}, b = {.n_groups = 2, .groups = {1, 2}};
    assert_int_equal(ids_intern(&t, &a), 0);
    assert_int_equal(ids_intern(&t, &b), 1);
    b.groups[2] = 9; /* beyond those that count */
    assert_int_equal(ids_intern(&t, &b), 1);
    b.groups[1] = 9;
    assert_int_equal(ids_intern(&t, &b), 2);
    assert_int_equal(ids_by_limit(&t, ids_limit(2))->groups[1], 9);
    assert_ptr_equal(ids_by_limit(&t, ids_limit(0)), t.v[0]);
    assert_ptr_equal(ids_by_limit(&t, ids_limit(3)), t.v[0]);
    assert_ptr_equal(ids_by_limit(&t, 0), t.v[0]);
    assert_ptr_equal(ids_by_limit(&t, RLIM_INFINITY), t.v[0]);
    for (uint32_t i = 0; i < IDS_TABLE_MAX - 3; i++) {
        a.uid.real = i + 1;
        assert_int_equal(ids_intern(&t, &a), i + 3);
    }
    a.uid.real = 0xffffff;
    assert_int_equal(ids_intern(&t, &a), -EAGAIN);
    ids_table_done(&t);
}

/* Runs the program as the kernel does, as far as it uses the language. */
static uint32_t ask(const struct sock_filter *code, size_t len, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (size_t i = 0; i < len; i++) {
        const struct sock_filter *f = &code[i];
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(f->k + 4 <= sizeof(*data));
            memcpy(&a, (const char *)data + f->k, 4);
            break;
        case BPF_ALU | BPF_AND | BPF_K: a &= f->k; break;
        case BPF_JMP | BPF_JA: i += f->k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: i += a == f->k ? f->jt : f->jf; break;
        case BPF_RET | BPF_K: return f->k;
        default: fail_msg("instruction %x", f->code);
        }
    }
    fail_msg("the program has no end");
    return 0;
}

static uint32_t number(uint32_t arch, enum emulate_op op, bool narrow)
{
    for (const struct emulate_call *c = emulate_calls(); c->arch; c++)
        if (c->arch == arch && c->op == op && c->narrow == narrow && !(c->nr & 0x40000000))
            return c->nr;
    fail_msg("no number");
    return 0;
}

static void filter(void **state)
{
    struct sock_filter code[EMULATE_FILTER_MAX];
    const uint64_t all = UINT64_MAX, no_chown = ~(UINT64_C(1) << CAP_CHOWN);
    enum { PASS, OURS, ZERO };
    static const struct {
        enum emulate_op op;
        uint64_t arg[4];
        int with_all, fixed, without_chown;
    } rows[] = {
        {OP_FCHOWNAT, {0, 0, 33, 0}, OURS, ZERO, PASS},
        {OP_FCHOWNAT, {0, 0, 0, 33}, OURS, ZERO, PASS},
        {OP_FCHOWNAT, {0, 0, UINT32_MAX, 33}, OURS, ZERO, PASS},
        {OP_FCHOWNAT, {0, 0, 33, UINT32_MAX}, OURS, ZERO, PASS},
        {OP_FCHOWNAT, {0, 0, 0, UINT64_MAX}, PASS, PASS, PASS},
        {OP_FCHOWNAT, {0, 0, UINT64_MAX, 0}, PASS, PASS, PASS},
        {OP_FCHOWNAT, {0, 0, UINT64_C(33) << 32, 0}, PASS, PASS, PASS},
        {OP_FCHOWN, {33, 0, 0}, PASS, PASS, PASS},
        {OP_FCHOWN, {33, 1, 0}, OURS, ZERO, PASS},
        {OP_MKNODAT, {0, 0, S_IFCHR | 0666, 1}, OURS, ZERO, PASS},
        {OP_MKNODAT, {0, 0, S_IFBLK, 1}, OURS, ZERO, PASS},
        {OP_MKNODAT, {0, 0, S_IFREG | 0666, 1}, PASS, PASS, PASS},
        {OP_MKNODAT, {0, 0, S_IFIFO | 0666, 1}, PASS, PASS, PASS},
        {OP_MKNODAT, {0, 0, 0666, 1}, PASS, PASS, PASS},
        {OP_SETXATTR, {0}, OURS, PASS, PASS},
        {OP_SETUID, {0}, OURS, ZERO, OURS},
        {OP_SETGROUPS, {0}, OURS, ZERO, OURS},
        {OP_GETUID, {0}, OURS, PASS, OURS},
        {OP_PRCTL, {PR_SET_KEEPCAPS, 1}, OURS, PASS, OURS},
        {OP_PRCTL, {PR_SET_NAME, 1}, PASS, PASS, PASS},
        {OP_PRLIMIT, {0, RLIMIT_LOCKS, 1}, ZERO, PASS, ZERO},
        {OP_PRLIMIT, {0, RLIMIT_LOCKS, 0}, PASS, PASS, PASS},
        {OP_PRLIMIT, {0, RLIMIT_NOFILE, 1}, PASS, PASS, PASS},
    };
    static const uint32_t actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF,
                                       SECCOMP_RET_ERRNO};
    for (const struct emulate_call *c = emulate_calls(); c->arch; c++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            if (c->op != rows[i].op || c->narrow)
                continue;
            struct seccomp_data data = {.arch = c->arch, .nr = (int)c->nr};
            memcpy(data.args, rows[i].arg, sizeof(rows[i].arg));
            size_t len = emulate_filter(emulate_calls(), all, EMULATE_RECORD, code);
            assert_true(len <= EMULATE_FILTER_MAX);
            if (ask(code, len, &data) != actions[rows[i].with_all])
                fail_msg("row %zu, call %x of %x", i, c->nr, c->arch);
            len = emulate_filter(emulate_calls(), all, EMULATE_FIXED, code);
            if (ask(code, len, &data) != actions[rows[i].fixed])
                fail_msg("row %zu, call %x of %x: fixed", i, c->nr, c->arch);
            len = emulate_filter(emulate_calls(), no_chown, EMULATE_RECORD, code);
            if (ask(code, len, &data) != actions[rows[i].without_chown])
                fail_msg("row %zu, call %x of %x: without CAP_CHOWN", i, c->nr, c->arch);
        }
    }
}

/* chown() of old i386 programs: ids of 16 bits. */
static void narrow(void **state)
{
#if defined(__x86_64__)
    struct sock_filter code[EMULATE_FILTER_MAX];
    size_t len = emulate_filter(emulate_calls(), UINT64_MAX, EMULATE_RECORD, code);
    struct seccomp_data data = {.arch = AUDIT_ARCH_I386,
                                .nr = (int)number(AUDIT_ARCH_I386, OP_CHOWN, true),
                                .args = {1, 0xffff, 0}};
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_ALLOW);
    data.args[1] = 0x10000;
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_ALLOW);
    data.args[1] = 33;
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_USER_NOTIF);
    data.args[1] = 0;
    data.args[2] = 33;
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_USER_NOTIF);
    data.nr = 20; /* getpid there */
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_ALLOW);
    data.arch = 0x12345;
    assert_int_equal(ask(code, len, &data), SECCOMP_RET_ALLOW);
#else
    (void)number;
    skip();
#endif
}

static void looks(void **state)
{
    static const struct {
        enum root_emulation how;
        uint32_t action;
    } rows[] = {{EMULATE_RECORD, SECCOMP_RET_ALLOW},
                {EMULATE_FIXED, SECCOMP_RET_ALLOW},
                {EMULATE_CONSISTENT, SECCOMP_RET_USER_NOTIF}};
    struct sock_filter code[EMULATE_FILTER_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len = emulate_filter(emulate_calls(), 0, rows[i].how, code);
        assert_true(len <= EMULATE_FILTER_MAX);
        for (const struct emulate_call *c = emulate_calls(); c->arch; c++) {
            struct seccomp_data data = {.arch = c->arch, .nr = (int)c->nr};
            if (c->op >= OP_STAT && ask(code, len, &data) != rows[i].action)
                fail_msg("row %zu, call %x of %x", i, c->nr, c->arch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_ids), cmocka_unit_test(capabilities), cmocka_unit_test(table),
        cmocka_unit_test(filter),  cmocka_unit_test(looks),        cmocka_unit_test(narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
