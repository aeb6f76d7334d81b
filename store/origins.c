/* SPDX-License-Identifier: Apache-2.0 */
/* Where layers came from and went to: under which compressed digests registries have them.
 *
 * Theory of operation. origins/<hex of the diff id> is a JSON document of what is remembered of one
 * layer. It is a hint: a push asks the registry before it relies on it, and a document that is
 * missing, damaged or outdated costs a transfer, nothing else. So it is written without a sync, and
 * goes with its layer. */
#include "store/origins.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "spec/digest.h"
#include "store/internal.h"

#include <stdio.h>
#include <string.h>

#define BLOBS_MAX        16
#define REPOSITORIES_MAX 16

static struct blob_path origins_path(const char *diff_id)
{
    struct blob_path p;
    snprintf(p.s, sizeof(p.s), ORIGINS_DIR "/%.64s", digest_hex(diff_id));
    return p;
}

void store_origins_done(struct store_origins *o)
{
    for (size_t i = 0; i < o->n; i++) {
        free(o->blobs[i].digest);
        free(o->blobs[i].media_type);
        strv_done(&o->blobs[i].repositories);
    }
    free(o->blobs);
    *o = (struct store_origins){0};
}

static int parse_blob(const json_t *j, struct store_origin *ret)
{
    int r = json_want_string(j, "digest", &ret->digest, NULL);
    if (r == 0)
        r = json_want_string(j, "mediaType", &ret->media_type, NULL);
    if (r == 0)
        r = json_want_int(j, "size", &ret->size, NULL);
    if (r == 0)
        r = json_want_strv(j, "repositories", &ret->repositories, NULL);
    return r == 0 && digest_valid(ret->digest) && ret->media_type && ret->size > 0 ? 0 : -EINVAL;
}

void store_origins_read(struct store *s, const char *diff_id, struct store_origins *ret)
{
    auto_json json_t *json = NULL;
    const json_t *blobs = NULL;
    struct err err = {0};
    struct blob_path path = origins_path(diff_id);
    *ret = (struct store_origins){0};
    int r = json_read_at(s->root_fd, path.s, &json, &err);
    if (r == 0)
        r = json_want_array(json, "blobs", &blobs, &err);
    if (r < 0 && r != -ENOENT)
        log_debug("origins of %s: %s", diff_id, err.message);
    size_t n = r == 0 && blobs ? json_array_size(blobs) : 0;
    n = n > BLOBS_MAX ? BLOBS_MAX : n;
    ret->blobs = xcalloc(n + 1, sizeof(*ret->blobs)); /* room for one to be added */
    while (ret->n < n && parse_blob(json_array_get(blobs, ret->n), &ret->blobs[ret->n]) == 0)
        ret->n++;
    if (ret->n < n) { /* half of a damaged one was read */
        ret->n++;
        store_origins_done(ret);
        ret->blobs = xcalloc(1, sizeof(*ret->blobs));
    }
}

static json_t *origins_json(const struct store_origins *o)
{
    json_t *blobs = json_array();
    for (size_t i = o->n > BLOBS_MAX ? 1 : 0; i < o->n; i++) {
        json_t *j = json_object();
        json_put_string(j, "digest", o->blobs[i].digest);
        json_put_string(j, "mediaType", o->blobs[i].media_type);
        json_put(j, "size", json_integer(o->blobs[i].size));
        json_put(j, "repositories", json_from_strv(&o->blobs[i].repositories));
        json_array_append_new(blobs, j);
    }
    json_t *all = json_object();
    json_put(all, "blobs", blobs);
    return all;
}

/* Adds the place to what is remembered; false when nothing changes. */
static bool merge(struct store_origins *o, const struct descriptor *blob, bool seen,
                  const char *repository)
{
    struct store_origin *at = NULL;
    for (size_t i = 0; i < o->n && !at; i++)
        if (strcmp(o->blobs[i].digest, blob->digest) == 0)
            at = &o->blobs[i];
    if (at ? strv_contains(&at->repositories, repository) : !seen)
        return false;
    if (!at) {
        at = &o->blobs[o->n++];
        at->digest = xstrdup(blob->digest);
        at->media_type = xstrdup(blob->media_type);
        at->size = blob->size;
    }
    if (at->repositories.len >= REPOSITORIES_MAX)
        strv_remove(&at->repositories, 0); /* the oldest */
    strv_add(&at->repositories, repository);
    return true;
}

void store_origins_add(struct store *s, const char *diff_id, const struct descriptor *blob,
                       bool seen, const char *repository)
{
    struct err err = {0};
    auto_done(store_origins) struct store_origins o = {0};
    auto_close int lock = store_index_lock(s, true, &err);
    if (lock >= 0) {
        store_origins_read(s, diff_id, &o);
        if (!merge(&o, blob, seen, repository))
            return;
        auto_json json_t *json = origins_json(&o);
        struct blob_path path = origins_path(diff_id);
        if (store_mkdir(s->root_fd, ORIGINS_DIR, &err) == 0)
            json_write_at(s->root_fd, path.s, json, 0, &err);
    }
    if (err.code)
        log_debug("origins of %s: %s", diff_id, err.message);
}
