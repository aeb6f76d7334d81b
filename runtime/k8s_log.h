/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log: k8s-file's "TIME stdout F text", where P marks a line that continues, or JSON. */
#pragma once

#include "base/buf.h"

#include <stddef.h>
#include <time.h>

/* Appends the lines for a piece of output. A piece without a newline at its end gives a P line. */
void k8s_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                    size_t len);

/* The same as docker's JSON lines, {"log":"TEXT\n","stream":"stdout","time":"..."}: a text without
 * a new line continues. Bytes that are not UTF-8 become U+FFFD. */
void json_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                     size_t len);
