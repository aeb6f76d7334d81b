/* SPDX-License-Identifier: Apache-2.0 */
/* One line of progress on a terminal's stderr. */
#include "cmd/progress.h"

#include "cmd/human.h"

#include <stdio.h>
#include <unistd.h>

static double seconds_since(struct timespec t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t.tv_sec) + (double)(now.tv_nsec - t.tv_nsec) / 1e9;
}

void progress_begin(struct progress *p, const char *verb, bool quiet)
{
    *p = (struct progress){.verb = verb, .shown = !quiet && isatty(STDERR_FILENO)};
    clock_gettime(CLOCK_MONOTONIC, &p->begin);
    p->last = p->begin;
}

void progress_update(void *progress, uint64_t done, uint64_t total)
{
    struct progress *p = progress;
    double elapsed = p->shown ? seconds_since(p->begin) : 0;
    if (elapsed < 0.5 || seconds_since(p->last) < 0.1)
        return;
    clock_gettime(CLOCK_MONOTONIC, &p->last);
    char so_far[HUMAN_MAX], rate[HUMAN_MAX];
    human_size(done, " ", so_far);
    human_size((uint64_t)((double)done / elapsed), " ", rate);
    fprintf(stderr, "\r\033[K%s %s", p->verb, so_far);
    if (total)
        fprintf(stderr, " (%u %%)", (unsigned)(done * 100 / total));
    fprintf(stderr, ", %s/s", rate);
    fflush(stderr);
    p->drawn = true;
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
}
