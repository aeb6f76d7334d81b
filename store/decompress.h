/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression of a stream that comes in pieces.
 *
 * Known by their first bytes: gzip (any number of members), zstd (any number of frames, skippable
 * ones left out: so also zstd:chunked), xz, bzip2. Everything else is plain. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* What it takes to tell. */
#define DECOMPRESS_HEAD 6

struct decompress;

/* Whether what begins with these bytes is compressed. */
bool decompress_known(const void *head, size_t len);
/* What begins with these bytes: *ret is NULL when it is plain. */
int decompress_new(const void *head, size_t len, struct decompress **ret, struct err *err);
void decompress_free(struct decompress *d);
DEFINE_AUTO_PTR(decompress, decompress_free)

/* "gzip", for messages. */
const char *decompress_name(const struct decompress *d);

/* Takes some of the *len bytes at *data and writes at most `room` bytes to `out`; moves *data on
 * and sets *ret_made. When all input is taken and the room is not filled, there is no more output
 * before more input comes. Damaged data is -EINVAL with a message. */
int decompress_some(struct decompress *d, const void **data, size_t *len, void *out, size_t room,
                    size_t *ret_made, struct err *err);
/* Whether the data may end here. */
bool decompress_at_end(const struct decompress *d);
