/* SPDX-License-Identifier: Apache-2.0 */
/* Where layers came from and went to: under which digests registries have them, so that a push need
 * not send what is there. Only a hint: nothing here can fail, and what is read may be wrong. */
#pragma once

#include "spec/image.h"
#include "store/store.h"

struct store_origin {
    char *digest; /* of the compressed blob */
    char *media_type;
    int64_t size;
    struct strv repositories; /* "docker.io/library/debian" */
};

struct store_origins {
    struct store_origin *blobs;
    size_t n;
};

/* What is remembered of a layer; `diff_id` is a valid digest. */
void store_origins_read(struct store *s, const char *diff_id, struct store_origins *ret);
void store_origins_done(struct store_origins *o);
/* Remembers that `repository` has the layer as this blob: `seen` when its bytes went through our
 * hands and are that layer. Else it is somebody's word, which counts only for a blob that was seen
 * before: a push would put another one into the image's place. */
void store_origins_add(struct store *s, const char *diff_id, const struct descriptor *blob,
                       bool seen, const char *repository);

DEFINE_AUTO(store_origins, store_origins_done)
