/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log as a file, or two, that do not grow beyond a limit.
 *
 * Theory of operation. Whole lines are appended in one write. When the file would pass half of the
 * limit it becomes NAME.1, whose predecessor goes, and a new one is begun: both together stay below
 * the limit, and at least half of it is always there to be read. A disk that is full loses log,
 * never the container; a line that was cut off is ended before the next, and readers pass over it.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_file {
    int dir_fd;       /* where it is; -1: no log */
    const char *name; /* borrowed */
    bool json;        /* docker's JSON lines, else k8s-file */
    int64_t max;      /* bytes of both files; 0: no limit. Below 128 KiB it is that */
    int fd;           /* -1: not open */
    int64_t size;
    bool torn;
};

#define LOG_FILE_NONE                                                                              \
    (struct log_file)                                                                              \
    {                                                                                              \
        .dir_fd = -1, .fd = -1                                                                     \
    }

/* Opens, or makes, the file that the other members describe. */
int log_file_open(struct log_file *l, struct err *err);
/* Appends the lines for a piece of output of "stdout" or "stderr". */
void log_file_write(struct log_file *l, const char *stream, const char *data, size_t len);
