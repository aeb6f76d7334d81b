/* SPDX-License-Identifier: Apache-2.0 */
/* TOML as JSON. The parser is toml++; nothing else of it is seen outside toml.cc. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/* A document as an object (new reference); dates and times become strings. -EINVAL with line and
 * column. */
int toml_parse(const char *text, size_t len, json_t **ret, struct err *err);
