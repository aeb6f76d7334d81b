/* SPDX-License-Identifier: Apache-2.0 */
/* The shell patterns of ${v#p}, ${v%p} and ${v/p/r}: '*' and '?' are wild, '\' quotes them. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* `value` without the shortest (`longest`: longest) matching start or end; the caller frees. */
int pattern_trim_prefix(const char *pattern, const char *value, bool longest, char **ret,
                        struct err *err);
int pattern_trim_suffix(const char *pattern, const char *value, bool longest, char **ret,
                        struct err *err);
/* The first (`all`: every) match replaced, each as long as possible. The result stays below `limit`
 * bytes or is -E2BIG. */
int pattern_replace(const char *pattern, const char *value, const char *with, bool all,
                    size_t limit, char **ret, struct err *err);
