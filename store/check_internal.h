/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the check share. */
#pragma once

#include "store/check.h"
#include "store/internal.h"

struct check {
    struct store *s;
    const struct store_check_options *o;
    struct store_check_result *result;
    json_t *damaged; /* hex of blobs whose content is another: {hex: true} */
    json_t *in_use;  /* hex of what containers were made from: configurations and layers */
};

/* What a repair does, under the exclusive index lock. Returns 0 or an error. */
typedef int (*check_fix)(struct check *c, const void *arg, struct err *err);

/* Tells of a finding, after `fix` (NULL: nothing can be done) when a repair is wanted. */
void check_found(struct check *c, struct store_finding *f, check_fix fix, const void *arg);
/* The same for one who takes the lock itself. */
void check_found_unlocked(struct check *c, struct store_finding *f, check_fix fix, const void *arg);
/* The same when it is known already what a repair did. */
void check_tell(struct check *c, const struct store_finding *f);

/* check.c: oci-layout, the directories, index.json. */
int check_frame(struct check *c, struct err *err);
/* check_images.c */
int check_blobs(struct check *c, struct err *err);
int check_images(struct check *c, struct err *err);
/* check_containers.c */
/* Before anything is repaired: fills c->in_use. */
int check_note_in_use(struct check *c, struct err *err);
int check_containers(struct check *c, struct err *err);
/* check_volumes.c */
int check_volumes(struct check *c, struct err *err);
