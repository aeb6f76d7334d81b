/* SPDX-License-Identifier: Apache-2.0 */
/* Where a saved image goes: a tar, or a directory. The same members give the same bytes: no times,
 * no owners. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive_out;

/* A tar into `fd`, or files in the directory `fd`, which stays the caller's. */
int archive_out_new(int fd, struct archive_out **ret, struct err *err);
/* What was not finished is left as it is. */
void archive_out_free(struct archive_out *o);
DEFINE_AUTO_PTR(archive_out, archive_out_free)

int archive_out_directory(struct archive_out *o, const char *name, struct err *err);
/* A whole file. */
int archive_out_file(struct archive_out *o, const char *name, const void *data, size_t len,
                     struct err *err);
/* A file of `size` bytes, which follow in pieces. */
int archive_out_begin(struct archive_out *o, const char *name, int64_t size, struct err *err);
int archive_out_data(struct archive_out *o, const void *data, size_t len, struct err *err);
int archive_out_end(struct archive_out *o, struct err *err);
/* Writes the end of the archive. */
int archive_out_finish(struct archive_out *o, struct err *err);
