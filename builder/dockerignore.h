/* SPDX-License-Identifier: Apache-2.0 */
/* .dockerignore and .containerignore: which paths of a context stay out. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ignore_pattern;

struct ignore_list {
    struct ignore_pattern *v;
    size_t n, cap;
    bool has_exceptions; /* some pattern begins with '!' */
};

/* Reads the text of an ignore file. Errors are "FILE:LINE: ...". */
int ignore_parse(const char *file_name, const char *text, size_t len, struct ignore_list *ret,
                 struct err *err);
void ignore_list_done(struct ignore_list *l);

/* True when `path` (relative to the context root, without "./") stays out: the last pattern that
 * matches it or one of its parents decides. */
bool ignore_match(const struct ignore_list *l, const char *path);
/* True when a walk may leave the directory `path` out with everything in it: it is ignored and no
 * exception can bring back something below. */
bool ignore_prune(const struct ignore_list *l, const char *path);

DEFINE_AUTO(ignore_list, ignore_list_done)
