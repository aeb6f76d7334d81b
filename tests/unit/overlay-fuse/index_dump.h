/* SPDX-License-Identifier: Apache-2.0 */
/* What an index says, as text to compare: one line a name, sorted as the index is. */
#pragma once

#include "base/buf.h"
#include "overlay-fuse/layer.h"

/* Stands where two ways to read do not agree, and nowhere else. */
#define INDEX_DUMP_WRONG "\001"

/* Appends "PATH TYPE MODE UID:GID [@SEC.NSEC] [xN] [implicit] [opaque] ..." for every name; see
 * index_dump.c for the rest of a line. Reads everything that can be read on the way. */
void index_dump(const struct layer *l, struct buf *ret);
