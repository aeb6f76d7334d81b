/* SPDX-License-Identifier: Apache-2.0 */
/* ADD of a local tar: unpacking an archive into an overlay. */
#pragma once

#include "engine/build_copy.h"

#include <stdbool.h>

/* True when `fd` (seekable) holds a tar, plain or compressed with gzip, bzip2, xz or zstd, by its
 * content. The offset is 0 afterwards. */
bool unpack_is_archive(int fd);

/* Unpacks below the directory `dest` of the overlay. Names with ".." are an error, links on the way
 * are resolved inside the overlay. `owner`: everybody's owner, NULL: the archive's. `from` lends
 * its directory for temporary files. */
int unpack_into(struct overlay *to, const char *dest, int fd, const struct build_source *from,
                const struct copy_attr *owner, struct err *err);
