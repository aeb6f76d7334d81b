/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles in JSON: the format of containers-common's seccomp.json and of docker's, which
 * contains that of the OCI runtime specification. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

#define SECCOMP_ARGS_MAX 6

enum seccomp_action {
    SECCOMP_DO_KILL_THREAD,
    SECCOMP_DO_KILL_PROCESS,
    SECCOMP_DO_TRAP,
    SECCOMP_DO_ERRNO,
    SECCOMP_DO_TRACE,
    SECCOMP_DO_LOG,
    SECCOMP_DO_ALLOW,
};

enum seccomp_op {
    SECCOMP_OP_NE,
    SECCOMP_OP_LT,
    SECCOMP_OP_LE,
    SECCOMP_OP_EQ,
    SECCOMP_OP_GE,
    SECCOMP_OP_GT,
    SECCOMP_OP_MASKED_EQ, /* value is the mask, value_two what is left under it */
};

struct seccomp_arg {
    unsigned index;
    enum seccomp_op op;
    uint64_t value, value_two;
};

struct seccomp_rule {
    struct strv names;
    enum seccomp_action action;
    uint16_t number; /* ERRNO: the errno; TRACE: what the tracer sees */
    struct seccomp_arg args[SECCOMP_ARGS_MAX];
    size_t n_args;
};

struct seccomp_policy {
    enum seccomp_action action; /* for what no rule names */
    uint16_t number;
    struct strv archs; /* "SCMP_ARCH_X86_64"...; empty: the machine's own */
    struct seccomp_rule *rules;
    size_t n_rules;
};

/* Where the policy is to be used: rules with includes or excludes that say otherwise are left
 * out. */
struct seccomp_place {
    uint64_t caps;       /* of the container */
    const char *machine; /* as uname(2) has it */
    unsigned kernel[2];  /* major, minor */
};

/* Parses a profile. Unknown members are ignored, as every other reader of this format does; an
 * unknown action, operator, errno or flag is an error, because what was meant is not done then. */
int seccomp_policy_parse(const char *text, size_t len, const struct seccomp_place *place,
                         struct seccomp_policy *ret, struct err *err);
void seccomp_policy_done(struct seccomp_policy *p);

DEFINE_AUTO(seccomp_policy, seccomp_policy_done)
