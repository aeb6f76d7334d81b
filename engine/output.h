/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream goes that the user named: a file, or standard output. */
#pragma once

#include "base/err.h"

/* Calls fn with a descriptor of `path` (NULL: standard output). Links are followed. A regular file
 * appears under its name only when fn has succeeded, with the mode of the one that it replaces; one
 * in a directory that we may not write to is written in place. */
int output_write(const char *path, int (*fn)(void *arg, int fd, struct err *err), void *arg,
                 struct err *err);
