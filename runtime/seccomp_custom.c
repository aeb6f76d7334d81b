/* SPDX-License-Identifier: Apache-2.0 */
/* From a user's seccomp profile to a program.
 *
 * Should: do what libseccomp does for crun and runc with the same profile.
 * Mustn't: load anything. */
#include "runtime/seccomp_custom.h"

#include "base/cleanup.h"
#include "runtime/seccomp_profile.h"
#include "spec/seccomp.h"

#include <ctype.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static uint32_t action_code(enum seccomp_action action, uint16_t number)
{
    switch (action) {
    case SECCOMP_DO_KILL_THREAD: return SCMP_ACT_KILL_THREAD;
    case SECCOMP_DO_KILL_PROCESS: return SCMP_ACT_KILL_PROCESS;
    case SECCOMP_DO_TRAP: return SCMP_ACT_TRAP;
    case SECCOMP_DO_ERRNO: return SCMP_ACT_ERRNO(number);
    case SECCOMP_DO_TRACE: return SCMP_ACT_TRACE(number);
    case SECCOMP_DO_LOG: return SCMP_ACT_LOG;
    case SECCOMP_DO_ALLOW: break;
    }
    return SCMP_ACT_ALLOW;
}

static struct scmp_arg_cmp comparison(const struct seccomp_arg *a)
{
    static const enum scmp_compare ops[] = {
        [SECCOMP_OP_NE] = SCMP_CMP_NE,
        [SECCOMP_OP_LT] = SCMP_CMP_LT,
        [SECCOMP_OP_LE] = SCMP_CMP_LE,
        [SECCOMP_OP_EQ] = SCMP_CMP_EQ,
        [SECCOMP_OP_GE] = SCMP_CMP_GE,
        [SECCOMP_OP_GT] = SCMP_CMP_GT,
        [SECCOMP_OP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
    };
    return (struct scmp_arg_cmp){
        .arg = a->index, .op = ops[a->op], .datum_a = a->value, .datum_b = a->value_two};
}

/* libseccomp takes each argument once a rule. Several conditions on one argument are alternatives,
 * as runc and crun have it: a rule each. */
static bool repeats_an_argument(const struct seccomp_rule *rule)
{
    unsigned seen = 0;
    for (size_t i = 0; i < rule->n_args; i++) {
        if (seen & 1u << rule->args[i].index)
            return true;
        seen |= 1u << rule->args[i].index;
    }
    return false;
}

static int add_call(scmp_filter_ctx ctx, uint32_t action, int nr, const struct seccomp_rule *rule)
{
    struct scmp_arg_cmp args[SECCOMP_ARGS_MAX];
    for (size_t i = 0; i < rule->n_args; i++)
        args[i] = comparison(&rule->args[i]);
    int r = 0;
    if (!repeats_an_argument(rule))
        return seccomp_rule_add_array(ctx, action, nr, (unsigned)rule->n_args, args);
    for (size_t i = 0; r == 0 && i < rule->n_args; i++)
        r = seccomp_rule_add_array(ctx, action, nr, 1, &args[i]);
    return r;
}

static int add_rules(scmp_filter_ctx ctx, const struct seccomp_policy *p, struct err *err)
{
    uint32_t fallback = action_code(p->action, p->number);
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct seccomp_rule *rule = &p->rules[i];
        uint32_t action = action_code(rule->action, rule->number);
        for (size_t n = 0; action != fallback && n < rule->names.len; n++) {
            int nr = seccomp_syscall_resolve_name(rule->names.v[n]);
            if (nr == __NR_SCMP_ERROR)
                continue; /* of another machine, or newer than libseccomp */
            int r = add_call(ctx, action, nr, rule);
            if (r < 0 && r != -EDOM && r != -EEXIST)
                return err_errno(err, r, "rule for %.64s", rule->names.v[n]);
        }
    }
    return 0;
}

static int add_archs(scmp_filter_ctx ctx, const struct strv *archs, struct err *err)
{
    for (size_t i = 0; i < archs->len; i++) {
        const char *given = archs->v[i];
        char name[32] = "";
        if (strncmp(given, "SCMP_ARCH_", 10) == 0)
            for (size_t k = 0; k + 1 < sizeof(name) && given[10 + k]; k++)
                name[k] = (char)tolower((unsigned char)given[10 + k]);
        uint32_t arch = seccomp_arch_resolve_name(name);
        if (!arch)
            return err_set(err, -EINVAL, "unknown architecture \"%.64s\"", given);
        int r = seccomp_arch_add(ctx, arch);
        if (r < 0 && r != -EEXIST)
            return err_errno(err, r, "architecture %.64s", given);
    }
    return 0;
}

static int compile(const struct seccomp_policy *p, struct sock_filter **ret, size_t *ret_len,
                   struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(action_code(p->action, p->number));
    if (!ctx)
        return err_set(err, -ENOMEM, "out of memory");
    int r = add_archs(ctx, &p->archs, err);
    if (r == 0) /* a binary tree; see seccomp_profile.c */
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = add_rules(ctx, p, err);
    if (r == 0 && (r = seccomp_profile_export(ctx, NULL, 0, ret, ret_len)) < 0)
        err_errno(err, r, "compile");
    seccomp_release(ctx);
    return r;
}

int seccomp_custom_compile(const char *profile, uint64_t caps, struct sock_filter **ret,
                           size_t *ret_len, struct err *err)
{
    struct utsname un = {0};
    uname(&un);
    struct seccomp_place place = {.caps = caps, .machine = un.machine};
    if (sscanf(un.release, "%u.%u", &place.kernel[0], &place.kernel[1]) != 2)
        place.kernel[0] = place.kernel[1] = 0;
    auto_done(seccomp_policy) struct seccomp_policy policy = {0};
    int r = seccomp_policy_parse(profile, strlen(profile), &place, &policy, err);
    if (r == 0)
        r = compile(&policy, ret, ret_len, err);
    return r < 0 && err ? err_wrap(err, "seccomp profile") : r;
}
