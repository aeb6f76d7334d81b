/* SPDX-License-Identifier: Apache-2.0 */
/* Typed access to JSON (jansson).
 *
 * The json_want_* getters read one member of an object: absent (or null) leaves *ret as it was and
 * returns 0; a member of another type is -EINVAL with a message naming the key, because JSON comes
 * from outside. Strings are copied. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

static inline void cleanup_json(json_t **j)
{
    json_decref(*j);
}
#define auto_json __attribute__((cleanup(cleanup_json)))

/* Largest JSON document that is parsed: 8 MiB, twice what registries accept as a manifest. */
#define JSON_LIMIT (8u << 20)

/* And values that it may have: some 100 MB of memory if each is an empty object. */
#define JSON_VALUES_MAX 400000

/* Parses a document; duplicate keys and depth over 2048 are errors, more than JSON_VALUES_MAX
 * values -EFBIG. *ret is a new reference. */
int json_parse(const char *data, size_t len, json_t **ret, struct err *err);
/* Reads and parses a file. */
int json_read_at(int dirfd, const char *path, json_t **ret, struct err *err);
/* Writes through file_write_at(): atomic, mode 0600, `flags` as there. */
int json_write_at(int dirfd, const char *path, const json_t *value, int flags, struct err *err);
/* Compact text with sorted keys, so that equal values give equal bytes. The caller frees. */
char *json_text(const json_t *value);

int json_want_string(const json_t *obj, const char *key, char **ret, struct err *err);
int json_want_int(const json_t *obj, const char *key, int64_t *ret, struct err *err);
int json_want_bool(const json_t *obj, const char *key, bool *ret, struct err *err);
/* Appends an array of strings. */
int json_want_strv(const json_t *obj, const char *key, struct strv *ret, struct err *err);
/* *ret is borrowed from obj, NULL when absent. */
int json_want_object(const json_t *obj, const char *key, const json_t **ret, struct err *err);
int json_want_array(const json_t *obj, const char *key, const json_t **ret, struct err *err);

/* A string member or `fallback`, for values that were checked before. Borrowed. */
const char *json_get_string(const json_t *obj, const char *key, const char *fallback);

/* Whether a JSON string can hold it, which must be UTF-8. */
bool json_is_text(const char *s);
/* New references; strings that are not UTF-8 have the bad bytes replaced by '?'. */
json_t *json_from_string(const char *s);
json_t *json_from_strv(const struct strv *sv);
/* Sets a member, stealing `value`. */
void json_put(json_t *obj, const char *key, json_t *value);
/* Sets a string member unless `s` is NULL. */
void json_put_string(json_t *obj, const char *key, const char *s);
/* Sets a member for each "NAME=VALUE" of `words` (or NULL), with "" for one without a "=". */
void json_put_assignments(json_t *obj, const struct strv *words);
