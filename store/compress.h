/* SPDX-License-Identifier: Apache-2.0 */
/* Compression by several threads. */
#pragma once

#include "store/content.h"

/* Compresses all of `fd` from its start. `threads` 0: as many as there are processors, within
 * bounds of memory. `ret_plain` is the digest of what was read, the rest as
 * content_layer_compress(). */
int compress_fd(int fd, enum content_compression how, unsigned threads, content_write_fn write,
                void *arg, char ret_plain[static 72], char ret_digest[static 72], int64_t *ret_size,
                struct err *err);
