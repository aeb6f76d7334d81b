/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns in COPY's sources: Go's filepath.Match on Unix. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* True when the string has a character that makes it a pattern: * ? [ or a backslash. */
bool glob_has_magic(const char *s);
/* Whether the whole of `name` matches: '*' any run without '/', '?' one character but '/', '[a-z]'
 * and '[^a-z]' one character of a set, '\c' that character. A malformed pattern is -EINVAL
 * whatever the name. */
int glob_match(const char *pattern, const char *name, bool *ret, struct err *err);
/* Reads a set behind its '[' and tells whether `c` is in it. Returns what follows the ']', or NULL
 * when the set is malformed. */
const char *glob_set_match(const char *p, uint32_t c, bool *ret);
