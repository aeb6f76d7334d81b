/* SPDX-License-Identifier: Apache-2.0 */
/* The check of blobs, images and layer indexes. */
#include "store/check_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/layer.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "store/content.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK (256 * 1024)

DEFINE_AUTO_PTR(evp_md_ctx_st, EVP_MD_CTX_free)

/* --- blobs -------------------------------------------------------------------------------- */

/* The digest of a file's content. */
static int digest_file(int dirfd, const char *path, char ret[static 72], struct err *err)
{
    auto_ptr(evp_md_ctx_st) EVP_MD_CTX *md = NULL;
    auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "no regular file");
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    auto_free char *chunk = xcalloc(1, CHUNK);
    int r = hash_begin(&md, err);
    while (r == 0) {
        ssize_t n = read_full(fd, chunk, CHUNK);
        if (n < 0)
            return err_errno(err, (int)n, "read");
        if (n == 0)
            return hash_end(md, ret, err);
        r = hash_add(md, chunk, (size_t)n, err);
    }
    return r;
}

static int remove_blob(struct check *c, const void *arg, struct err *err)
{
    struct blob_path path = store_blob_path(arg);
    if (unlinkat(c->s->root_fd, path.s, 0) < 0 && errno != ENOENT)
        return err_errno(err, -errno, "remove %s", path.s);
    json_object_del(c->damaged, digest_hex(arg)); /* it is missing now; it may come back whole */
    return store_sync_dir(c->s->root_fd, BLOBS_DIR, err);
}

static void blob_is_wrong(struct check *c, const struct store_place *p, const char *digest,
                          const char *wrong)
{
    bool kept = json_object_get(c->in_use, digest_hex(digest)) && !c->o->force;
    auto_free char *what = xasprintf("blob %s", digest);
    auto_free char *text = xasprintf("%s%s%s%s", p->lower ? "in the read-only store " : "",
                                     p->lower ? p->root : "", p->lower ? ": " : "", wrong);
    struct store_finding f = {.what = what,
                              .wrong = text,
                              .remedy = "it is removed, and every image that needs it",
                              .loses = true};
    json_put(c->damaged, digest_hex(digest), json_true());
    check_found(c, &f, p->lower || kept ? NULL : remove_blob, digest);
}

/* An error is one of ours or of the disk: it says nothing about the blob, which stays. */
static int check_blob(struct check *c, const struct store_place *p, const char *hex,
                      struct err *err)
{
    auto_free char *digest = xasprintf("sha256:%s", hex);
    char found[72];
    struct blob_path path = store_blob_path(digest);
    if (!exists_at(p->fd, path.s))
        return 0; /* what needs it will miss it */
    c->result->blobs++;
    int r = c->o->quick ? 0 : digest_file(p->fd, path.s, found, err);
    if (r == -ENOENT || c->o->quick)
        return 0;
    if (r < 0)
        return err ? err_wrap(err, "blob %s", digest) : r;
    if (strcmp(found, digest) != 0) {
        auto_free char *wrong = xasprintf("its content has the digest %s", found);
        blob_is_wrong(c, p, digest, wrong);
    }
    return 0;
}

/* Blobs that the images of a place lead to, where they lie. */
int check_blobs(struct check *c, struct err *err)
{
    auto_json json_t *seen = json_object();
    for (size_t i = 0; i <= c->s->n_lowers; i++) {
        struct store_place p = store_place(c->s, i);
        auto_json json_t *index = NULL, *used = json_object();
        int r = store_index_read_place(&p, &index, err);
        size_t n;
        json_t *entry, *yes;
        const char *hex;
        if (r < 0)
            return r;
        json_array_foreach (store_index_entries(index), n, entry)
            store_usage_mark(c->s, store_entry_digest(entry), used, NULL);
        json_object_foreach (used, hex, yes) {
            auto_free char *digest = xasprintf("sha256:%s", hex);
            struct store_place where;
            if (json_object_get(seen, hex) || !store_blob_find(c->s, digest, &where))
                continue;
            json_put(seen, hex, json_true());
            r = check_blob(c, &where, hex, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* --- layer indexes ------------------------------------------------------------------------ */

static int write_index(struct check *c, const void *arg, struct err *err)
{
    return content_layer_reindex(c->s, arg, err);
}

static void check_layer_index(struct check *c, const char *diff_id)
{
    auto_done(layer_files) struct layer_files files = {0};
    auto_free char *what = NULL;
    struct layer layer;
    struct err err = {0};
    if (store_layer_files(c->s, diff_id, &files, NULL) < 0)
        return;
    int r = layer_open(files.tar, files.index, &layer, &err);
    if (r == 0) {
        layer_close(&layer);
        return;
    }
    what = xasprintf("index of layer %s", diff_id);
    struct store_finding f = {.what = what,
                              .wrong = r == -ENOENT ? "it is missing" : err.message,
                              .remedy = "it is made again from the layer",
                              .garbage = r == -ENOENT};
    check_found_unlocked(c, &f, write_index, diff_id);
}

/* --- images ------------------------------------------------------------------------------- */

static int check_part(struct check *c, const char *kind, const struct descriptor *d,
                      struct err *err)
{
    int64_t size;
    struct err one = {0};
    if (json_object_get(c->damaged, digest_hex(d->digest)))
        return err_set(err, -EINVAL, "%s %s is damaged", kind, d->digest);
    if (store_layer_size(c->s, d->digest, &size, &one) < 0)
        return err_set(err, -ENOENT, "%s %s is missing or no file", kind, d->digest);
    if (size != d->size)
        return err_set(err, -EINVAL, "%s %s has %lld bytes instead of %lld", kind, d->digest,
                       (long long)size, (long long)d->size);
    return 0;
}

/* What is wrong with the image of this manifest. Appends its layers when nothing is. */
static int check_manifest(struct check *c, const char *digest, struct strv *ret_layers,
                          struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    auto_done(store_image) struct store_image img = {0};
    auto_json json_t *json = NULL, *none = json_pack("{s:[]}", "manifests");
    if (json_object_get(c->damaged, digest_hex(digest)))
        return err_set(err, -EINVAL, "its manifest %s is damaged", digest);
    int r = store_image_load(c->s, none, digest, &img, err);
    if (r == 0)
        r = store_read_blob_json(c->s, digest, &json, err);
    if (r == 0)
        r = manifest_parse(json, &m, err);
    if (r == 0)
        r = check_part(c, "configuration", &m.config, err);
    for (size_t i = 0; i < img.layers.len && r == 0; i++) {
        /* What others wrote may list layers compressed: then the diff id counts. */
        struct descriptor plain = {.digest = img.layers.v[i]};
        bool listed = i < m.n_layers && strcmp(m.layers[i].digest, plain.digest) == 0;
        if (!listed && store_layer_size(c->s, plain.digest, &plain.size, NULL) < 0)
            plain.size = 0;
        r = check_part(c, "layer", listed ? &m.layers[i] : &plain, err);
    }
    if (r == 0 && ret_layers)
        strv_extend(ret_layers, &img.layers);
    return r;
}

/* The image's names, or its digest. */
static char *image_title(const json_t *index, const char *digest)
{
    auto_strv names = {0}, origins = {0};
    store_index_names(index, digest, &names, &origins);
    auto_free char *list = names.len ? strv_join(&names, ", ") : xstrdup(digest);
    return xasprintf("image %s", list);
}

static int drop_image(struct check *c, const void *arg, struct err *err)
{
    auto_json json_t *index = NULL;
    if (check_manifest(c, arg, NULL, NULL) == 0)
        return 0; /* somebody has brought what was missing */
    int r = store_index_read(c->s, &index, err);
    if (r < 0)
        return r;
    store_index_drop_digest(index, arg);
    return store_index_write(c->s, index, err);
}

/* Whether containers were made from it, as far as its manifest can still be read. */
static bool image_in_use(struct check *c, const char *digest)
{
    auto_json json_t *json = NULL;
    auto_done(manifest) struct manifest m = {0};
    return store_read_blob_json(c->s, digest, &json, NULL) == 0 &&
           manifest_parse(json, &m, NULL) == 0 &&
           json_object_get(c->in_use, digest_hex(m.config.digest));
}

static void image_is_wrong(struct check *c, const struct store_place *p, const json_t *index,
                           const char *digest, const char *wrong)
{
    auto_free char *what = image_title(index, digest);
    bool kept = image_in_use(c, digest) && !c->o->force;
    auto_free char *text = xasprintf("%s%s%s", wrong, p->lower ? " (read-only store " : "",
                                     p->lower ? p->root
                                     : kept   ? " (containers use it)"
                                              : "");
    struct store_finding f = {.what = what,
                              .wrong = text,
                              .remedy = "the image and its names are removed",
                              .loses = true};
    check_found(c, &f, p->lower || kept ? NULL : drop_image, digest);
}

static int drop_name(struct check *c, const void *arg, struct err *err)
{
    auto_json json_t *index = NULL;
    int r = store_index_read(c->s, &index, err);
    if (r < 0)
        return r;
    store_index_drop_name(index, arg);
    return store_index_write(c->s, index, err);
}

static void check_name(struct check *c, const struct store_place *p, const char *name)
{
    struct err wrong = {0};
    if (store_check_full_name(name, &wrong) == 0)
        return;
    auto_free char *what = xasprintf("name %s", name);
    struct store_finding f = {
        .what = what, .wrong = wrong.message, .remedy = "the image loses the name", .loses = true};
    check_found(c, &f, p->lower ? NULL : drop_name, name);
}

/* One name at two images: the first has it, as far as everybody else is concerned. */
static void check_twice(struct check *c, const struct store_place *p, const char *name,
                        json_t *names)
{
    if (!json_object_get(names, name)) {
        json_put(names, name, json_true());
        return;
    }
    auto_free char *what = xasprintf("name %s", name);
    struct store_finding f = {.what = what,
                              .wrong = "more than one image has it",
                              .remedy = "all of them lose it",
                              .loses = true};
    check_found(c, &f, p->lower ? NULL : drop_name, name);
}

/* An image may have been removed while we looked at it. */
static bool still_listed(const struct store_place *p, const char *digest)
{
    auto_json json_t *index = NULL;
    return store_index_read_place(p, &index, NULL) < 0 || store_index_has(index, digest);
}

static void check_image(struct check *c, const struct store_place *p, const json_t *index,
                        const char *digest)
{
    struct err wrong = {0};
    auto_strv layers = {0};
    c->result->images++;
    if (check_manifest(c, digest, &layers, &wrong) < 0) {
        if (still_listed(p, digest))
            image_is_wrong(c, p, index, digest, wrong.message);
        return;
    }
    strv_foreach (&layers, layer)
        check_layer_index(c, layer);
}

static void check_place(struct check *c, const struct store_place *p, const json_t *index)
{
    auto_json json_t *seen = json_object(), *names = json_object();
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *digest = store_entry_digest(entry), *name = store_entry_name(entry);
        if (name) {
            check_name(c, p, name);
            check_twice(c, p, name, names);
        }
        if (json_object_get(seen, digest))
            continue;
        json_put(seen, digest, json_true());
        if (store_entry_is_image(entry))
            check_image(c, p, index, digest);
    }
}

int check_images(struct check *c, struct err *err)
{
    for (size_t i = 0; i <= c->s->n_lowers; i++) {
        auto_json json_t *index = NULL;
        struct store_place p = store_place(c->s, i);
        int r = store_index_read_place(&p, &index, err);
        if (r < 0)
            return r;
        check_place(c, &p, index);
    }
    return 0;
}
