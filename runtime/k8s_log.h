/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log: k8s-file lines "TIME stdout F text"; P marks a line that continues. */
#pragma once

#include "base/buf.h"

#include <stddef.h>
#include <time.h>

/* Appends the lines for a piece of output. A piece without a newline at its end gives a P line. */
void k8s_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                    size_t len);

/* Formats and appends to the file in one write, so that readers see whole lines. A full disk loses
 * log, never the container. */
void k8s_log_write(int fd, const char *stream, const char *data, size_t len);
