/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of the sandbox's flags: capabilities, limits, seccomp profiles. */
#include "base/size.h"
#include "spec/capability.h"
#include "spec/seccomp.h"
#include "spec/ulimit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#define BIT(cap) (UINT64_C(1) << (cap))

static int merge(const char *add, const char *drop, uint64_t *ret)
{
    auto_strv a = {0}, d = {0}, an = {0}, dn = {0};
    strv_split(&a, add, ',');
    strv_split(&d, drop, ',');
    int r = capability_normalise(&a, &an, NULL);
    if (r == 0)
        r = capability_normalise(&d, &dn, NULL);
    return r < 0 ? r : capability_merge(BIT(CAP_CHOWN) | BIT(CAP_KILL), &an, &dn, ret, NULL);
}

static void capabilities(void **state)
{
    static const struct {
        const char *add, *drop;
        int r;
        uint64_t want;
    } rows[] = {
        {"", "", 0, BIT(CAP_CHOWN) | BIT(CAP_KILL)},
        {"sys_admin", "CAP_CHOWN", 0, BIT(CAP_KILL) | BIT(CAP_SYS_ADMIN)},
        {"Cap_Net_Raw", "all", 0, BIT(CAP_NET_RAW)},
        {"all", "kill", 0, (BIT(CAP_CHECKPOINT_RESTORE + 1) - 1) & ~BIT(CAP_KILL)},
        {"all", "", 0, BIT(CAP_CHECKPOINT_RESTORE + 1) - 1},
        {"", "ALL", 0, 0},
        {"all", "all", -EINVAL, 0},
        {"chown", "chown", -EINVAL, 0},
        {"nothing", "", -EINVAL, 0},
        {"CAP_", "", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t set = 0;
        int r = merge(rows[i].add, rows[i].drop, &set);
        if (r != rows[i].r || set != rows[i].want)
            fail_msg("+%s -%s: %d %llx", rows[i].add, rows[i].drop, r, (unsigned long long)set);
    }
    for (unsigned n = 0; n <= CAP_CHECKPOINT_RESTORE; n++) {
        auto_strv one = {0};
        capability_list(BIT(n), &one);
        assert_int_equal(one.len, 1);
        assert_int_equal(capability_set(&one), BIT(n));
    }
    auto_strv list = {0};
    capability_list(BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_AUDIT_READ), &list);
    assert_int_equal(list.len, 3);
    assert_string_equal(list.v[0], "CAP_AUDIT_READ");
}

static void limits(void **state)
{
    static const struct {
        const char *text;
        int r, resource;
        int64_t soft, hard;
    } rows[] = {
        {"nofile=1024:2048", 0, RLIMIT_NOFILE, 1024, 2048},
        {"RLIMIT_NPROC=5", 0, RLIMIT_NPROC, 5, 5},
        {"core=-1:-1", 0, RLIMIT_CORE, -1, -1},
        {"core=0:-1", 0, RLIMIT_CORE, 0, -1},
        {"stack=unlimited", 0, RLIMIT_STACK, -1, -1},
        {"core=-1:5", -EINVAL, 0, 0, 0},
        {"nofile=3:2", -EINVAL, 0, 0, 0},
        {"nofile", -EINVAL, 0, 0, 0},
        {"nofile=", -EINVAL, 0, 0, 0},
        {"nofile=1:2:3", -EINVAL, 0, 0, 0},
        {"nofile=-2", -EINVAL, 0, 0, 0},
        {"nofile=99999999999999999999", -EINVAL, 0, 0, 0},
        {"files=1", -EINVAL, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct ulimit u = {0};
        int r = ulimit_parse(rows[i].text, &u, NULL);
        if (r != rows[i].r || u.resource != rows[i].resource || u.soft != rows[i].soft ||
            u.hard != rows[i].hard)
            fail_msg("%s: %d %d %lld %lld", rows[i].text, r, u.resource, (long long)u.soft,
                     (long long)u.hard);
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int r;
        uint64_t want;
    } rows[] = {
        {"0", 0, 0},        {"65536", 0, 65536},         {"64k", 0, 65536},
        {"64Kb", 0, 65536}, {"1.5MiB", 0, 1572864},      {"2g", 0, UINT64_C(2) << 30},
        {"7b", 0, 7},       {"1 m", 0, 1 << 20},         {"", -EINVAL, 0},
        {"k", -EINVAL, 0},  {"1x", -EINVAL, 0},          {"1kk", -EINVAL, 0},
        {"-1", -EINVAL, 0}, {"9999999999p", -ERANGE, 0}, {"1bb", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t size = 0;
        int r = size_parse(rows[i].text, &size);
        if (r != rows[i].r || size != rows[i].want)
            fail_msg("%s: %d %llu", rows[i].text, r, (unsigned long long)size);
    }
}

static const struct seccomp_place place = {
    .caps = BIT(CAP_SYS_CHROOT), .machine = "x86_64", .kernel = {5, 10}};

/* "action/number:name,name[index op value two];..." of what is left of a profile. */
static void profiles(void **state)
{
#define RULE(more) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{" more "}]}"
#define NAMED      "\"names\":[\"a\",\"b\"],\"action\":\"SCMP_ACT_ALLOW\""
    static const struct {
        const char *text;
        int r;
        size_t rules;
    } rows[] = {
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 0, 0},
        {RULE(NAMED), 0, 1},
        {RULE(NAMED ",\"args\":null,\"includes\":{},\"excludes\":{}"), 0, 1},
        {RULE("\"name\":\"a\",\"action\":\"SCMP_ACT_LOG\""), 0, 1},
        {RULE("\"name\":\"c\"," NAMED), -EINVAL, 0},
        {RULE(NAMED ",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}"), 0, 1},
        {RULE(NAMED ",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\",\"CAP_BPF\"]}"), 0, 0},
        {RULE(NAMED ",\"includes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}"), 0, 0},
        {RULE(NAMED ",\"excludes\":{\"caps\":[\"CAP_SYS_CHROOT\",\"CAP_BPF\"]}"), 0, 0},
        {RULE(NAMED ",\"excludes\":{\"caps\":[\"CAP_BPF\"]}"), 0, 1},
        {RULE(NAMED ",\"includes\":{\"arches\":[\"amd64\"]}"), 0, 1},
        {RULE(NAMED ",\"includes\":{\"arches\":[\"arm64\"]}"), 0, 0},
        {RULE(NAMED ",\"excludes\":{\"arches\":[\"amd64\"]}"), 0, 0},
        {RULE(NAMED ",\"includes\":{\"minKernel\":\"5.10\"}"), 0, 1},
        {RULE(NAMED ",\"includes\":{\"minKernel\":\"5.11\"}"), 0, 0},
        {RULE(NAMED ",\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"), -ERANGE, 0},
        {RULE(NAMED ",\"args\":[{\"index\":0,\"value\":1,\"op\":\"EQ\"}]"), -EINVAL, 0},
        {RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\""), -EINVAL, 0},
        {RULE("\"names\":[\"a\"]"), -EINVAL, 0},
        {RULE(NAMED ",\"errnoRet\":70000"), -ERANGE, 0},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}", -ENOTSUP,
         0},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", -ENOTSUP, 0},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}", -EINVAL, 0},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":"
         "[{\"architecture\":\"SCMP_ARCH_X86_64\"}]}",
         -EINVAL, 0},
        {"{}", -EINVAL, 0},
        {"[]", -EINVAL, 0},
        {"", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_done(seccomp_policy) struct seccomp_policy p = {0};
        struct err err = {0};
        int r = seccomp_policy_parse(rows[i].text, strlen(rows[i].text), &place, &p, &err);
        if (r != rows[i].r || p.n_rules != rows[i].rules)
            fail_msg("%s: %d %zu: %s", rows[i].text, r, p.n_rules, err.message);
    }
}

static void profile_details(void **state)
{
    static const char text[] =
        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENOSYS\",\"archMap\":["
        "{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},"
        "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
        "\"syscalls\":[{\"names\":[\"x\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":22,\"args\":["
        "{\"index\":2,\"value\":7,\"valueTwo\":3,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";
    auto_done(seccomp_policy) struct seccomp_policy p = {0};
    assert_int_equal(seccomp_policy_parse(text, strlen(text), &place, &p, NULL), 0);
    assert_int_equal(p.action, SECCOMP_DO_ERRNO);
    assert_int_equal(p.number, ENOSYS);
    assert_int_equal(p.archs.len, 2);
    assert_string_equal(p.archs.v[1], "SCMP_ARCH_X86");
    const struct seccomp_rule *rule = &p.rules[0];
    assert_int_equal(rule->number, 22);
    assert_int_equal(rule->n_args, 1);
    assert_int_equal(rule->args[0].index, 2);
    assert_int_equal(rule->args[0].op, SECCOMP_OP_MASKED_EQ);
    assert_int_equal(rule->args[0].value, 7);
    assert_int_equal(rule->args[0].value_two, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities), cmocka_unit_test(limits),          cmocka_unit_test(sizes),
        cmocka_unit_test(profiles),     cmocka_unit_test(profile_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
