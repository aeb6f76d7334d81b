/* SPDX-License-Identifier: Apache-2.0 */
/* A vector of owned strings, usable as a NULL-terminated argv.
 *
 * Invariants: `v` is NULL while empty and never grown, else v[len] == NULL; a zeroed struct is an
 * empty vector. */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct strv {
    char **v;
    size_t len;
    size_t cap;
};

void strv_done(struct strv *sv);
/* Appends a copy. */
void strv_add(struct strv *sv, const char *s);
/* Appends `s` itself, which the vector now owns. */
void strv_add_owned(struct strv *sv, char *s);
void strv_addf(struct strv *sv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends copies of all of `other`. */
void strv_extend(struct strv *sv, const struct strv *other);
/* Removes all elements. */
void strv_clear(struct strv *sv);
void strv_remove(struct strv *sv, size_t index);
bool strv_contains(const struct strv *sv, const char *s);
/* The vector as argv: never NULL, ends in NULL, belongs to the vector. */
char **strv_argv(struct strv *sv);
/* Splits at every `sep`; an empty string gives no element. Appends to *sv. */
void strv_split(struct strv *sv, const char *s, char sep);
/* The elements with `sep` between them; the caller frees. */
char *strv_join(const struct strv *sv, const char *sep);

/* Environment lists ("NAME=value"): replaces the entry of that name or appends one. An entry
 * without '=' is appended as it is. */
void strv_env_set(struct strv *sv, const char *assignment);
/* The value of `name`, or NULL; belongs to the vector. */
const char *strv_env_get(const struct strv *sv, const char *name);

/* Runs the body with `s` (char *) set to each element; the vector must not change meanwhile. */
#define strv_foreach(sv, s) for (char **s##_p = strv_argv(sv), *s; (s = *s##_p); s##_p++)

DEFINE_AUTO(strv, strv_done)
#define auto_strv auto_done(strv) struct strv
