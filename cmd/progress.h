/* SPDX-License-Identifier: Apache-2.0 */
/* One line of progress on a terminal's stderr for what takes longer than a moment. Off a terminal
 * nothing is printed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
    const char *verb; /* "importing" */
    bool shown;       /* stderr is a terminal and we are not quiet */
    bool drawn;
    struct timespec begin, last;
};

void progress_begin(struct progress *p, const char *verb, bool quiet);
/* content_progress_fn: draws at most ten times a second, and nothing in the first half second. */
void progress_update(void *progress, uint64_t done, uint64_t total);
/* Wipes the line. */
void progress_end(struct progress *p);
