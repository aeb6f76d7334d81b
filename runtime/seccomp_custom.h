/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp programs that are not the built one: another set of capabilities, or a user's profile.
 * Compiling takes 15 ms, so what was compiled is kept on the disk. */
#pragma once

#include "base/err.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* Compiles a profile in JSON (spec/seccomp.h) for this machine. The caller frees *ret. */
int seccomp_custom_compile(const char *profile, uint64_t caps, struct sock_filter **ret,
                           size_t *ret_len, struct err *err);

/* The program for a set of capabilities and a profile in JSON (NULL: the default policy), from
 * the directory `cache_fd`, or compiled and then kept there. A file there counts only when it is
 * ours, nobody else can write to it, and it was made from the same profile, capabilities, machine,
 * policy of ours and libseccomp. A cache that cannot be written costs time only; -1: no cache. */
int seccomp_custom_program(int cache_fd, const char *profile, uint64_t caps,
                           struct sock_filter **ret, size_t *ret_len, struct err *err);
