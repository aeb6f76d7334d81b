/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE for every list: values of one key are alternatives, except for label, where
 * all must hold; different keys must all hold. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

/* Asks about one filter: 1 matches, 0 does not, -EINVAL: no such key or value (*err says so). */
typedef int (*filter_fn)(void *arg, const char *key, const char *value, struct err *err);

/* Applies all filters; *ret_match tells. A filter without '=' is ERR_USAGE. */
int filters_match(const struct strv *filters, filter_fn fn, void *arg, bool *ret_match,
                  struct err *err);

/* True when `labels` (object or NULL) has the label "name" or "name=value". */
bool filter_label(const json_t *labels, const char *wanted);
