/* SPDX-License-Identifier: Apache-2.0 */
/* `system check`: whether the store is what it should be, and mending it.
 *
 * Theory of operation. Under the index lock is only looked at what names and small files say; the
 * hashing of blobs, which takes long, needs no lock, because a blob never changes: one that is gone
 * when its turn comes was removed, which is no finding. A repair takes the lock, looks again, and
 * changes. What a crash leaves is garbage, not damage: nobody sees it, and it goes by itself. */
#pragma once

#include "store/store.h"

struct store_finding {
    const char *what;   /* "image docker.io/library/a:latest", "layer sha256:..." */
    const char *wrong;  /* "layer sha256:... is missing" */
    const char *remedy; /* what a repair does: "the image is removed"; NULL: it can do nothing */
    bool garbage;       /* left by a crash; nothing is wrong */
    bool loses;         /* the remedy gives up something that cannot be brought back */
    bool done;          /* it was done */
    const char *failed; /* why it could not be done, or NULL */
};

struct store_check_options {
    bool quick; /* do not hash the blobs */
    bool repair;
    bool force;      /* repair what containers use, too */
    int64_t max_age; /* garbage that is younger than so many seconds is not looked at */
    void (*found)(void *arg, const struct store_finding *f);
    void *arg;
};

struct store_check_result {
    size_t images, blobs, containers; /* that were looked at */
    size_t damage, garbage;           /* findings */
    size_t left, lost;                /* damage that stays, and that was given up */
};

/* An error means that the check itself could not be done. */
int content_check(struct store *s, const struct store_check_options *o,
                  struct store_check_result *ret, struct err *err);
