/* SPDX-License-Identifier: Apache-2.0 */
/* Images: load, find, list, name, remove. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void store_image_done(struct store_image *img)
{
    free(img->id);
    free(img->digest);
    strv_done(&img->names);
    strv_done(&img->origins);
    strv_done(&img->layers);
    json_decref(img->labels);
    *img = (struct store_image){0};
}

int store_read_blob_json(struct store *s, const char *digest, json_t **ret, struct err *err)
{
    struct blob_path path = store_blob_path(digest);
    struct store_place p = store_place(s, 0);
    store_blob_find(s, digest, &p); /* where there is none, ours says so */
    return json_read_at(p.fd, path.s, ret, err);
}

int store_blob_read(struct store *s, const char *digest, struct buf *ret, struct err *err)
{
    if (!digest_valid(digest))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", digest);
    struct blob_path path = store_blob_path(digest);
    struct store_place p = store_place(s, 0);
    store_blob_find(s, digest, &p);
    return file_read_at(p.fd, path.s, JSON_LIMIT, ret, err);
}

static int read_manifest(struct store *s, const char *digest, struct manifest *ret, struct err *err)
{
    auto_json json_t *json = NULL;
    int r = store_read_blob_json(s, digest, &json, err);
    if (r == 0)
        r = manifest_parse(json, ret, err);
    return r < 0 && err ? err_wrap(err, "the image's manifest %s is damaged", digest) : r;
}

static int read_config(struct store *s, const char *digest, struct image_config *ret,
                       json_t **ret_json, struct err *err)
{
    auto_json json_t *json = NULL;
    auto_done(image_config) struct image_config config = {0};
    int r = store_read_blob_json(s, digest, &json, err);
    if (r == 0)
        r = image_config_parse(json, &config, err);
    if (r < 0)
        return err ? err_wrap(err, "the image's configuration %s is damaged", digest) : r;
    if (ret) {
        *ret = config;
        config = (struct image_config){0};
    }
    if (ret_json)
        *ret_json = take_ptr(json);
    return 0;
}

/* A manifest from elsewhere may tell compressed sizes: then the layers' files are asked. */
static int64_t layers_size(struct store *s, const struct manifest *m,
                           const struct image_config *config)
{
    int64_t total = 0;
    for (size_t i = 0; i < config->diff_ids.len; i++) {
        const char *id = config->diff_ids.v[i];
        int64_t size = 0;
        if (i < m->n_layers && strcmp(m->layers[i].digest, id) == 0)
            size = m->layers[i].size;
        else
            store_layer_size(s, id, &size, NULL);
        if (__builtin_add_overflow(total, size, &total))
            return INT64_MAX;
    }
    return total;
}

int store_image_load(struct store *s, const json_t *index, const char *digest,
                     struct store_image *ret, struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    auto_done(image_config) struct image_config config = {0};
    int r = read_manifest(s, digest, &m, err);
    if (r == 0)
        r = read_config(s, m.config.digest, &config, NULL, err);
    if (r < 0)
        return r;
    struct timespec created = {0};
    if (config.created)
        time_parse(config.created, &created);
    struct store_image img = {
        .id = xstrdup(digest_hex(m.config.digest)),
        .digest = xstrdup(digest),
        .labels = json_incref(config.run.labels),
        .size = layers_size(s, &m, &config),
        .created = created.tv_sec,
        .docker =
            strcmp(json_get_string(m.annotations, ANNOTATION_TYPE, ""), MEDIA_DOCKER_MANIFEST) == 0,
        .created_nsec = created.tv_nsec,
    };
    strv_extend(&img.layers, &config.diff_ids);
    store_index_names(index, digest, &img.names, &img.origins);
    *ret = img;
    return 0;
}

/* --- find --------------------------------------------------------------------------------- */

static int not_known(const char *name, struct err *err)
{
    return err_kind(err, ERR_NOT_FOUND, -ENOENT, "%.300s: image not known", name);
}

static const char *digest_by_name(const json_t *index, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *has = store_entry_name(entry);
        if (has && strcmp(has, name) == 0)
            return store_entry_digest(entry);
    }
    return NULL;
}

/* Whether `digest` is an element of `list`, which has blanks between them. */
static bool lists_digest(const char *list, const char *digest)
{
    return list && strstr(list, digest); /* all are of one length: no part of another */
}

/* repository@digest: any tag of the repository whose manifest, whose own digest, or one that its
 * registry gave it, is that one. */
static const char *digest_by_digest(const json_t *index, const struct image_ref *ref)
{
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *name = store_entry_name(entry);
        auto_done(image_ref) struct image_ref has = {0};
        if (!name || image_ref_parse(name, &has, NULL) < 0)
            continue;
        if (strcmp(has.registry, ref->registry) != 0 ||
            strcmp(has.repository, ref->repository) != 0)
            continue;
        if (strcmp(store_entry_digest(entry), ref->digest) == 0 ||
            lists_digest(store_entry_origin(entry), ref->digest) ||
            (has.digest && strcmp(has.digest, ref->digest) == 0))
            return store_entry_digest(entry);
    }
    return NULL;
}

static const char *digest_by_ref(const json_t *index, const char *name)
{
    auto_done(image_ref) struct image_ref ref = {0};
    if (image_ref_parse(name, &ref, NULL) < 0)
        return NULL;
    auto_free char *full = image_ref_string(&ref);
    const char *digest = digest_by_name(index, full);
    if (!digest && ref.digest)
        digest = digest_by_digest(index, &ref);
    if (!digest && ref.short_name) {
        auto_free char *local = xasprintf("localhost/%s", name);
        digest = digest_by_ref(index, local);
    }
    return digest;
}

/* --- in all stores ---------------------------------------------------------------------- */

struct search {
    const char *name;
    const char *prefix; /* the name as the beginning of an id, or NULL */
    struct store_place place;
    json_t *index; /* the place's */
    char *digest;  /* what was found, or NULL */
    char *id;
};

static void search_done(struct search *q)
{
    json_decref(q->index);
    free(q->digest);
    free(q->id);
}
DEFINE_AUTO(search, search_done)

static void search_found(struct search *q, const struct store_place *place, json_t *index,
                         const char *digest)
{
    q->place = *place;
    q->digest = xstrdup(digest);
    q->index = json_incref(index);
}

/* Images whose id begins with the prefix. Damaged ones have none. */
static int search_ids(struct store *s, const struct store_place *place, json_t *index,
                      struct search *q, struct err *err)
{
    const char *last = NULL;
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *digest = store_entry_digest(entry);
        if (!store_entry_is_image(entry) || (last && strcmp(last, digest) == 0))
            continue;
        last = digest;
        auto_done(manifest) struct manifest m = {0};
        if (read_manifest(s, digest, &m, NULL) < 0)
            continue;
        const char *id = digest_hex(m.config.digest);
        if (strncmp(id, q->prefix, strlen(q->prefix)) != 0)
            continue;
        if (q->id && strcmp(q->id, id) != 0)
            return err_set(err, -EINVAL,
                           "image id \"%s\" is ambiguous: it is the start of more than one",
                           q->prefix);
        if (q->id)
            continue;
        q->id = xstrdup(id);
        search_found(q, place, index, digest);
        if (strlen(q->prefix) == ID_HEX_LEN)
            return 0; /* no other has it */
    }
    return 0;
}

/* One round over the stores, ours first: by name, or by id. A name ends it where it is found. */
static int search_places(struct store *s, struct search *q, bool by_id, struct err *err)
{
    for (size_t i = 0; i <= s->n_lowers; i++) {
        auto_json json_t *index = NULL;
        struct store_place place = store_place(s, i);
        int r = store_index_read_place(&place, &index, err);
        if (r == 0 && by_id)
            r = search_ids(s, &place, index, q, err);
        if (r < 0)
            return r;
        const char *digest = by_id ? NULL : digest_by_ref(index, q->name);
        if (digest) {
            search_found(q, &place, index, digest);
            return 0;
        }
    }
    return 0;
}

int store_image_find(struct store *s, const char *name, struct store_image *ret, struct err *err)
{
    auto_done(search) struct search q = {.name = name};
    int r = search_places(s, &q, false, err);
    const char *id = strncmp(name, "sha256:", 7) == 0 ? name + 7 : name;
    if (r == 0 && !q.digest && id_is_prefix(id)) {
        q.prefix = id;
        r = search_places(s, &q, true, err);
    }
    if (r < 0)
        return r;
    if (!q.digest)
        return not_known(name, err);
    r = store_image_load(s, q.index, q.digest, ret, err);
    if (r < 0)
        return err ? err_wrap(err, "%.300s", name) : r;
    ret->lower = q.place.lower;
    return 0;
}

/* --- list --------------------------------------------------------------------------------- */

int store_image_compare_age(const struct store_image *a, const struct store_image *b)
{
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    return (a->created_nsec > b->created_nsec) - (a->created_nsec < b->created_nsec);
}

static int newest_first(const void *a, const void *b)
{
    const struct store_image *x = a, *y = b;
    int r = store_image_compare_age(y, x);
    return r ? r : strcmp(x->id, y->id);
}

struct listing {
    struct store_image *all;
    size_t n, cap;
    json_t *names; /* that a store further up has */
    json_t *seen;  /* digests, of those */
};

/* Takes away what a store further up hides. False when nothing is left to tell. */
static bool still_visible(const struct listing *l, struct store_image *img)
{
    size_t had = img->names.len;
    for (size_t i = img->names.len; i-- > 0;)
        if (json_object_get(l->names, img->names.v[i])) {
            strv_remove(&img->names, i);
            strv_remove(&img->origins, i);
        }
    return !json_object_get(l->seen, img->digest) || (had && img->names.len);
}

static void list_place(struct store *s, const struct store_place *place, const json_t *index,
                       struct listing *l)
{
    auto_json json_t *here = json_object();
    size_t i, before = l->n;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *digest = store_entry_digest(entry);
        if (!store_entry_is_image(entry) || json_object_get(here, digest))
            continue;
        json_put(here, digest, json_true());
        struct err e = {0};
        grow_array(l->all, l->n, l->cap);
        /* One damaged image must not hide the others; naming it tells what is wrong. */
        if (store_image_load(s, index, digest, &l->all[l->n], &e) < 0) {
            log_debug("left out: %s", e.message);
            continue;
        }
        l->all[l->n].lower = place->lower;
        if (still_visible(l, &l->all[l->n]))
            l->n++;
        else
            store_image_done(&l->all[l->n]);
    }
    for (i = before; i < l->n; i++) {
        json_put(l->seen, l->all[i].digest, json_true());
        strv_foreach (&l->all[i].names, name)
            json_put(l->names, name, json_true());
    }
}

int store_image_list(struct store *s, struct store_image **ret, size_t *ret_n, struct err *err)
{
    auto_json json_t *names = json_object(), *seen = json_object();
    struct listing l = {.names = names, .seen = seen};
    for (size_t i = 0; i <= s->n_lowers; i++) {
        auto_json json_t *index = NULL;
        struct store_place place = store_place(s, i);
        int r = store_index_read_place(&place, &index, err);
        if (r < 0) {
            store_image_list_done(l.all, l.n);
            return r;
        }
        list_place(s, &place, index, &l);
    }
    if (l.n)
        qsort(l.all, l.n, sizeof(*l.all), newest_first);
    *ret = l.all;
    *ret_n = l.n;
    return 0;
}

void store_image_list_done(struct store_image *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_image_done(&all[i]);
    free(all);
}

int store_image_config(struct store *s, const struct store_image *img, struct image_config *ret,
                       json_t **ret_json, struct err *err)
{
    auto_free char *digest = xasprintf("sha256:%s", img->id);
    return read_config(s, digest, ret, ret_json, err);
}

/* --- change ------------------------------------------------------------------------------- */

int store_check_full_name(const char *name, struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(name, &ref, err);
    if (r < 0)
        return r;
    auto_free char *full = image_ref_string(&ref);
    if (strcmp(full, name) != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "\"%s\" is not a full reference: %s is", name,
                        full);
    return 0;
}

static int blob_size(struct store *s, const char *digest, int64_t *ret)
{
    struct blob_path path = store_blob_path(digest);
    struct store_place p = {.fd = -1};
    struct stat st;
    if (!store_blob_find(s, digest, &p) || fstatat(p.fd, path.s, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -ENOENT;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret = st.st_size;
    return 0;
}

static int read_only(const struct store_image *img, struct err *err)
{
    return err_set(err, -EROFS, "image %.12s is in a read-only store: %s", img->id,
                   img->lower->root);
}

int store_image_tag(struct store *s, const struct store_image *img, const char *name,
                    struct err *err)
{
    auto_json json_t *index = NULL;
    int r = store_check_full_name(name, err);
    if (r < 0)
        return r;
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    r = store_index_read(s, &index, err);
    if (r < 0)
        return r;
    int64_t size = 0;
    if (!store_index_has(index, img->digest)) {
        r = img->lower ? blob_size(s, img->digest, &size) : -ENOENT;
        if (r < 0)
            return not_known(img->id, err); /* removed meanwhile */
    }
    store_index_drop_name(index, name);
    store_index_add(index, img->digest, size, name);
    return store_index_write(s, index, err);
}

int store_image_untag(struct store *s, const struct store_image *img, const char *name,
                      struct err *err)
{
    if (img->lower)
        return read_only(img, err);
    auto_json json_t *index = NULL;
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    int r = store_index_read(s, &index, err);
    if (r < 0)
        return r;
    const char *digest = digest_by_name(index, name);
    if (!digest || strcmp(digest, img->digest) != 0)
        return not_known(name, err);
    store_index_drop_name(index, name);
    return store_index_write_less(s, index, err);
}

void store_image_set_origin(struct store *s, const char *name, const char *digests)
{
    auto_json json_t *index = NULL;
    struct err err = {0};
    auto_close int lock = store_index_lock(s, true, &err);
    if (lock >= 0 && store_index_read(s, &index, &err) == 0) {
        store_index_set_origin(index, name, digests);
        store_index_write(s, index, &err);
    }
    if (err.code)
        log_debug("origin of %s: %s", name, err.message);
}

static int unlink_unused(struct store *s, const json_t *candidates, const json_t *used,
                         struct err *err)
{
    const char *hex;
    json_t *value;
    json_object_foreach ((json_t *)candidates, hex, value) {
        if (json_object_get(used, hex))
            continue;
        auto_free char *blob = xasprintf(BLOBS_DIR "/%s", hex);
        auto_free char *index = xasprintf(INDEX_DIR "/%s", hex);
        auto_free char *origins = xasprintf(ORIGINS_DIR "/%s", hex);
        if ((unlinkat(s->root_fd, blob, 0) < 0 && errno != ENOENT) ||
            (unlinkat(s->root_fd, index, 0) < 0 && errno != ENOENT) ||
            (unlinkat(s->root_fd, origins, 0) < 0 && errno != ENOENT))
            return err_errno(err, -errno, "remove %s", blob);
        store_layer_forget(s, hex);
    }
    return 0;
}

/* On a full disk that is without a spare the indexes of what goes anyway make room: they can be
 * made again if it stays after all. */
static int write_making_room(struct store *s, const json_t *index, const json_t *candidates,
                             const json_t *used, struct err *err)
{
    const char *hex;
    json_t *value;
    int r = store_index_write_less(s, index, err);
    if (r != -ENOSPC && r != -EDQUOT)
        return r;
    json_object_foreach ((json_t *)candidates, hex, value) {
        auto_free char *path = xasprintf(INDEX_DIR "/%s", hex);
        if (!json_object_get(used, hex))
            unlinkat(s->root_fd, path, 0);
    }
    return store_index_write(s, index, err);
}

/* Under the exclusive lock, which keeps containers from being made (containers.c). The entry goes
 * first: a crash in between leaves blobs that store_collect_garbage() finds, never
 * an image without its blobs. */
int store_image_remove(struct store *s, const struct store_image *img,
                       int (*check)(void *arg, struct err *err), void *arg, struct err *err)
{
    if (img->lower)
        return read_only(img, err);
    auto_json json_t *index = NULL, *candidates = json_object(), *used = json_object();
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    int r = store_index_read(s, &index, err);
    if (r < 0)
        return r;
    if (!store_index_has(index, img->digest))
        return not_known(img->id, err);
    r = check ? check(arg, err) : 0;
    if (r == 0)
        r = store_usage_mark(s, img->digest, candidates, err);
    if (r < 0)
        return r;
    store_index_drop_digest(index, img->digest);
    r = store_usage_all(s, index, used, err);
    if (r == 0)
        r = write_making_room(s, index, candidates, used, err);
    if (r == 0)
        r = unlink_unused(s, candidates, used, err);
    store_index_keep_spare(s);
    return r;
}
