/* SPDX-License-Identifier: Apache-2.0 */
/* Which process the kernel kills first for want of memory. */
#pragma once

#include "base/err.h"
#include "runtime/sandbox.h"

/* Sets what the sandbox says, if it does, for this process and those that it will make. It must
 * still be dumpable. A user may raise the number only: -EACCES says what it is. */
int oom_score_set(const struct sandbox *sb, struct err *err);
