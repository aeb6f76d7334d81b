/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: cells in columns of a terminal. */
#pragma once

#include "base/buf.h"

#include <stddef.h>

/* Columns of a terminal that `len` bytes of UTF-8 fill; a bad byte counts one. */
size_t table_width(const char *s, size_t len);

/* Lays out lines whose cells are parted by tabs: every column as wide as its widest cell and two
 * blanks, at least 12. The last cell of a line is not filled, and no line ends in blanks. */
void table_layout(const char *text, struct buf *out);
