/* SPDX-License-Identifier: Apache-2.0 */
/* All images of the store and how they belong together: which was made from which, and which are in
 * use. */
#pragma once

#include "engine/image.h"

#define NO_PARENT SIZE_MAX

struct image_family {
    struct store_image *all; /* newest first */
    size_t n;
    size_t
        *parent; /* of each: the place of the nearest image that it was made from, or NO_PARENT */
    size_t *children; /* of each: how many were made from it and from nothing in between */
    json_t *counts;   /* {"image id": number of its containers} */
};

/* An image is made from another when the other's layers and history are the beginning of its own.
 * Histories are only read when that is asked for (`relations`) or an image without names is there,
 * whose use depends on it. */
int image_family_load(struct engine *e, bool relations, struct image_family *ret, struct err *err);
void image_family_done(struct image_family *f);

/* The id of the image that this one was made from, allocated; NULL when there is none or the store
 * cannot be read. */
char *image_parent_id(struct engine *e, const struct store_image *image);

/* What podman calls dangling: neither name nor child. */
bool image_is_dangling(const struct image_family *f, size_t i);
/* Without a name, and others were made from it. */
bool image_is_intermediate(const struct image_family *f, size_t i);
/* How many containers there are of it. */
int64_t image_containers(const struct image_family *f, size_t i);

/* Whether all filters hold for an image: before, since (after), containers, dangling, digest, id,
 * intermediate, label, label!, readonly, reference, until. image_filters_check() was asked. */
int image_matches(struct engine *e, const struct image_family *f, size_t i,
                  const struct strv *filters, bool *ret, struct err *err);

DEFINE_AUTO(image_family, image_family_done)
