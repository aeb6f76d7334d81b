/* SPDX-License-Identifier: Apache-2.0 */
/* A process that works for hostile ones gives up the system calls that it does not need. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define SYSCALLS_MAX 240 /* what the jumps of the filter reach */

/* From now on this thread has no capability in its user namespace. */
int syscalls_drop_capabilities(struct err *err);

/* From now on this thread has only the system calls `allowed` (SYS_*), the most frequent first, as
 * a filter is read from the top; others are EPERM, and those of another architecture kill. Needs
 * no_new_privs. 0, also on an architecture whose numbers nobody has checked; -ENOSYS where the
 * kernel has no filters; -E2BIG. */
int syscalls_allow_only(const uint16_t *allowed, size_t n);

/* From now on this thread makes sockets of AF_INET and AF_INET6 only; others are EAFNOSUPPORT. To
 * be called before syscalls_allow_only(), beside which it stands. */
int syscalls_allow_inet_only(void);
