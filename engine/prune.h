/* SPDX-License-Identifier: Apache-2.0 */
/* `system prune` and `system reset`. */
#pragma once

#include "engine/engine.h"

struct prune_options {
    bool all;                   /* images that no container uses, not only dangling ones */
    bool volumes;               /* volumes that no container uses */
    const struct strv *filters; /* until, label, label!: for containers and images */
};

struct prune_result {
    struct strv containers, volumes, images; /* ids and names of what went */
    uint64_t bytes;                          /* that the store is smaller by */
};
void prune_result_done(struct prune_result *r);

/* Before anybody is asked. */
int prune_check_filters(const struct strv *filters, struct err *err);
/* Removes containers that do not run and match. */
int prune_containers(struct engine *e, const struct prune_options *o, struct prune_result *ret,
                     struct err *err);
/* Removes containers that do not run, then volumes, then images, then garbage. On an error *ret
 * tells what went before it. */
int prune_all(struct engine *e, const struct prune_options *o, struct prune_result *ret,
              struct err *err);

/* Kills and removes all containers, unmounts images, and removes the store and the run directory.
 * Only what belongs to a store is removed; links are never followed. The engine can only be closed
 * after it. */
int reset_all(struct engine *e, struct err *err);

DEFINE_AUTO(prune_result, prune_result_done)
