/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers as they go, on stderr: on a terminal a line each that is drawn again and again,
 * elsewhere a plain line when something has happened. */
#pragma once

#include "engine/pull.h"

struct transfer_view {
    const char *verb; /* "downloading" */
    bool quiet, terminal;
    size_t drawn;  /* lines on the terminal that are ours */
    size_t n;      /* of those below */
    int *states;   /* as they were last told */
    double *since; /* when each began, seconds */
    double last;
};

void transfer_view_init(struct transfer_view *v, const char *verb, bool quiet);
void transfer_view_done(struct transfer_view *v);
/* Shows how they stand; NULL: these are over. */
void transfer_view_update(struct transfer_view *v, const struct transfer *all, size_t n);
/* The watch that shows through `v`. */
struct transfer_watch transfer_view_watch(struct transfer_view *v);
