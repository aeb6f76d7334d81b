/* SPDX-License-Identifier: Apache-2.0 */
/* Images: list, inspect, history, remove. What reads or writes their content is engine/content.h.
 */
#pragma once

#include "engine/engine.h"
#include "engine/filter.h"

/* Rows for `images`, newest first: one for each name, "<none>" for an image without. podman's
 * fields: Id, Repository, Tag, Digest, Created (seconds), Size, Names, Containers, Labels,
 * Dangling. */
struct image_list_options {
    const char *name;           /* only this repository or name; NULL: all */
    const struct strv *filters; /* KEY=VALUE */
    const char *sort;           /* created, id, repository, size, tag; NULL: created */
};
int image_list(struct engine *e, const struct image_list_options *o, json_t **ret, struct err *err);

/* One element of `inspect`. New reference. */
int image_inspect(struct engine *e, const struct store_image *image, json_t **ret, struct err *err);

/* Rows for `history`, newest first: Id, Created (RFC 3339), CreatedBy, Size, Comment, Tags. */
int image_history(struct engine *e, const struct store_image *image, json_t **ret, struct err *err);

struct image_remove_result {
    struct strv untagged; /* full references */
    char *deleted;        /* image id, or NULL: the image has other names left */
};
void image_remove_result_done(struct image_remove_result *r);
DEFINE_AUTO(image_remove_result, image_remove_result_done)

/* `rmi NAME`: takes the name away, and removes the image when it was its last; by id it removes all
 * names. An image that containers use is ERR_IN_USE (exit 2); with `force` its containers are
 * removed first, running ones killed. */
int image_remove(struct engine *e, const char *name, bool force, struct image_remove_result *ret,
                 struct err *err);

/* The full reference for a name given with -t or `tag`; adds ":latest". */
int image_full_name(const char *name, char **ret, struct err *err);
