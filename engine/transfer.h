/* SPDX-License-Identifier: Apache-2.0 */
/* Several layers on their way at once, and somebody who watches.
 *
 * Each transfer is a job in one of a few threads. The calling thread only waits, and calls the
 * watcher: so that may print without a thought for threads. The first error cancels the rest. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* As docker's default; more did not help a pull (docs/benchmarks.md). */
#define TRANSFER_THREADS 3

enum transfer_state {
    TRANSFER_PENDING,
    TRANSFER_RUNNING,
    TRANSFER_WAITING,   /* for another program that fetches the same */
    TRANSFER_FINISHING, /* all bytes are here */
    TRANSFER_DONE,
    TRANSFER_EXISTS, /* was there already */
    TRANSFER_MOUNTED /* the registry took it over from another repository */
};

struct transfer {
    const char *digest; /* what it is called on the way; borrowed */
    atomic_llong total; /* bytes; -1: not known */
    atomic_llong done;
    atomic_int state;
};

struct transfers {
    struct transfer *v;
    size_t n;
    atomic_bool *cancel; /* set by the first error: for the jobs, and what they use, to look at */
    /* Moves number `i`; in one of the threads. Sets the states it knows of. */
    int (*job)(void *arg, size_t i, struct err *err);
    void *job_arg;
    /* How it goes: ten times a second, when the last has ended, and once with NULL. Or NULL. */
    void (*watch)(void *arg, const struct transfer *all, size_t n);
    void *watch_arg;
};

/* A transfer for each of the layers, one that is there twice being one: `digest` and an unknown
 * total, to be filled in. The caller frees t->v and *ret_layers: by transfer, which layer it is. */
void transfers_list(struct transfers *t, const struct strv *layers, size_t **ret_layers);

int transfers_run(struct transfers *t, struct err *err);
