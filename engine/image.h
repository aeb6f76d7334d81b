/* SPDX-License-Identifier: Apache-2.0 */
/* Images: list, inspect, history, remove. What reads or writes their content is engine/content.h.
 */
#pragma once

#include "engine/engine.h"
#include "engine/filter.h"

/* Rows for `images`, newest first: one for each name, "<none>" for an image without. podman's
 * fields: Id, Repository, Tag, Digest, Created (seconds), CreatedAt, Size, Names, Containers,
 * Labels, ReadOnly, Dangling... */
struct image_list_options {
    bool all;                   /* also images without a name that others were made from */
    bool by_image;              /* one row an image, without Repository and Tag */
    bool relations;             /* fill in ParentId, which means to read every configuration */
    const char *name;           /* only this repository, name, alias or id; NULL: all */
    const struct strv *filters; /* KEY=VALUE */
    const char *sort;           /* created, id, repository, size, tag; NULL: created */
};
int image_list(struct engine *e, const struct image_list_options *o, json_t **ret, struct err *err);

/* podman's RepoDigests: each name's repository with every digest by which its registry knows the
 * image. New reference. */
json_t *image_repo_digests(const struct store_image *image);

/* One element of `inspect`. New reference. */
int image_inspect(struct engine *e, const struct store_image *image, json_t **ret, struct err *err);

/* Rows for `history`, newest first: Id, Created (RFC 3339), CreatedBy, Size, Comment, Tags. */
int image_history(struct engine *e, const struct store_image *image, json_t **ret, struct err *err);

struct image_remove_result {
    struct strv untagged; /* full references */
    struct strv deleted;  /* image ids; none: the image has other names left */
};
void image_remove_result_done(struct image_remove_result *r);
DEFINE_AUTO(image_remove_result, image_remove_result_done)

struct image_remove_options {
    bool force;        /* the image's containers first, running ones killed */
    bool several;      /* by id also when it has several names, as `force` */
    bool keep_parents; /* images without a name that this one was made from stay */
};

/* `rmi NAME`: takes the name away, and removes the image when it was its last, and then what it was
 * made from if that is dangling and unused now; by id it removes all names. An image that
 * containers use is ERR_IN_USE. */
int image_remove(struct engine *e, const char *name, const struct image_remove_options *o,
                 struct image_remove_result *ret, struct err *err);

struct image_prune_options {
    bool all;                   /* all that no container uses, not only dangling ones */
    const struct strv *filters; /* as for `images` */
};
/* *ret_bytes: what the blobs took that are gone. Images of lower stores stay. Whatever is in use at
 * the moment when it would be removed stays, too. */
int image_prune(struct engine *e, const struct image_prune_options *o, struct strv *ret_ids,
                uint64_t *ret_bytes, struct err *err);

/* Before anybody is asked: a filter of no known kind is ERR_USAGE. */
int image_filters_check(const struct strv *filters, struct err *err);

/* `untag IMAGE [NAME...]`: takes these names away, or all. */
int image_untag(struct engine *e, const char *image, const struct strv *names, struct err *err);

/* `image tree`: {"Id", "Tags", "Size", "Layers"}. Layers is a list of nodes {"Id" (diff id),
 * "Size", "Tags" of the images that end with this layer, "Children" (nodes)}, from the bottom layer
 * up; `whole`: with the layers of all images that are built on this one. New reference. */
int image_tree(struct engine *e, const struct store_image *image, bool whole, json_t **ret,
               struct err *err);

/* The full reference for a name given with -t or `tag`; adds ":latest". */
int image_full_name(const char *name, char **ret, struct err *err);
