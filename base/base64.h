/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, with padding). */
#pragma once

#include "base/buf.h"

/* The text; the caller frees. */
char *base64_encode(const void *data, size_t len);
/* Appends the bytes; blanks and line ends are skipped, padding may be missing. -EINVAL for anything
 * else, with *ret as it was. */
int base64_decode(const char *text, struct buf *ret);
