/* SPDX-License-Identifier: Apache-2.0 */
/* The default seccomp policy, compiled. */
#pragma once

#include "base/err.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compiles the policy for a machine ("x86_64", "aarch64", else its native architecture alone) and
 * a set of capabilities, through libseccomp (15 ms: the one for the default capabilities is
 * compiled when wherry is built). The caller frees *ret. */
int seccomp_profile_compile(const char *machine, uint64_t caps, struct sock_filter **ret,
                            size_t *ret_len, struct err *err);

/* Whether two sets of capabilities lead to the same policy. */
bool seccomp_profile_same(uint64_t caps_a, uint64_t caps_b);

/* The program that the libseccomp context `ctx` compiles to, behind the instructions of `guard`:
 * jumps are relative, so it may start anywhere. The caller frees *ret. 0 or a negative errno. */
int seccomp_profile_export(void *ctx, const struct sock_filter *guard, size_t n_guard,
                           struct sock_filter **ret, size_t *ret_len);

/* Loads a program into the calling process; NULL: the built one. Needs no_new_privs or
 * CAP_SYS_ADMIN in the user namespace. */
int seccomp_profile_load(const struct sock_filter *program, size_t len, struct err *err);
