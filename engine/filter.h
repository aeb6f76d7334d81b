/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE for every list: values of one key are alternatives, except for label, where
 * all must hold; different keys must all hold. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

/* Asks about one filter: 1 matches, 0 does not, negative: no such value (*err says so). */
typedef int (*filter_fn)(void *arg, const char *key, const char *value, struct err *err);

/* Before there is anything to match: a filter without '=' or with a key that `keys` (ends in NULL)
 * does not have is ERR_USAGE. */
int filters_check(const struct strv *filters, const char *const *keys, struct err *err);

/* Applies all filters, which were checked; *ret_match tells. */
int filters_match(const struct strv *filters, filter_fn fn, void *arg, bool *ret_match,
                  struct err *err);

/* A boolean as Go's strconv.ParseBool takes it ("true", "T", "1", "false"...). */
int filter_bool(const char *key, const char *value, bool *ret, struct err *err);

/* True when `labels` (object or NULL) has the label "name" or "name=value". */
bool filter_label(const json_t *labels, const char *wanted);
