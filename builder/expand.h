/* SPDX-License-Identifier: Apache-2.0 */
/* Variables and quotes in the arguments of an instruction.
 *
 * Source of the rules: docs.docker.com/reference/dockerfile, "Environment replacement", and the
 * behaviour of BuildKit's frontend where the page is silent. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

/* No expanded value grows beyond this (ENV A=$A$A in a row doubles each time). */
#define EXPAND_LIMIT (1u << 20)
/* ${a:-${b:-...}} nests no deeper. */
#define EXPAND_DEPTH 128

enum expand_flags {
    EXPAND_RAW_QUOTES = 1 << 0,  /* quotes work and stay in the result */
    EXPAND_RAW_ESCAPES = 1 << 1, /* escape characters work and stay in the result */
    EXPAND_NO_QUOTES = 1 << 2,   /* quotes are ordinary characters (heredocs) */
    EXPAND_NO_VARS = 1 << 3,     /* '$' is an ordinary character */
    EXPAND_LENIENT = 1 << 4,     /* ${v:?} never fails: only the syntax is checked */
};

struct expand {
    char escape;
    int flags;
    const struct strv *env; /* NAME=value */
    struct strv *unset;     /* unless NULL: names that were used bare and are not set */
};

/* One string: *ret is the caller's. */
int expand_word(const struct expand *x, const char *s, char **ret, struct err *err);
/* Split at white space outside quotes, after the expansion. Appends to *ret. */
int expand_words(const struct expand *x, const char *s, struct strv *ret, struct err *err);
