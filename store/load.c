/* SPDX-License-Identifier: Apache-2.0 */
/* Images into the store from archives and directories.
 *
 * Theory of operation. A source gives documents and layers by name (load_source.h); here is what
 * the names mean. A layer counts for what its bytes are: its diff id must be the one that the
 * image's configuration names at that place. So whatever else an archive claims, an image is what
 * its configuration says, or it is refused. */
#include "store/load.h"

#include "base/alloc.h"
#include "base/json.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "spec/limits.h"
#include "spec/reference.h"
#include "store/internal.h"
#include "store/load_source.h"

#include <string.h>
#include <sys/stat.h>

/* docker's; `ref.name` is the tag there */
#define ANNOTATION_FULL_NAME "io.containerd.image.name"
#define IMAGES_MAX           1000

struct load {
    struct store *store;
    const struct load_options *o;
    struct load_source source;
    struct store_image *images;
    size_t n, cap;
};

/* What an archive says an image is made of. */
struct parts {
    struct buf config;
    struct strv layers;              /* names in the source */
    const struct descriptor *expect; /* parallel to `layers`, or NULL */
    struct strv names;
    bool docker; /* of docker's media types */
};

static void parts_done(struct parts *p)
{
    buf_done(&p->config);
    strv_done(&p->layers);
    strv_done(&p->names);
}
DEFINE_AUTO(parts, parts_done)

static int read_json(struct load *l, const char *name, json_t **ret, struct err *err)
{
    auto_buf text = {0};
    int r = l->source.document(l->source.data, name, &text, err);
    if (r < 0)
        return r;
    r = json_parse(text.data, text.len, ret, err);
    return r < 0 && err ? err_wrap(err, "%.200s", name) : r;
}

/* --- an image ----------------------------------------------------------------------------- */

static int take_layer(struct load *l, const struct parts *p, size_t i, const char *diff_id,
                      struct err *err)
{
    auto_free char *is = NULL;
    const struct descriptor *d = p->expect ? &p->expect[i] : NULL;
    struct content_expect e = {
        .digest = d ? d->digest : NULL, .size = d ? d->size : -1, .diff_id = diff_id};
    int r = l->source.layer(l->source.data, p->layers.v[i], &e, &is, err);
    if (r == 0 && strcmp(is, diff_id) != 0)
        r = err_set(err, -EBADMSG, "layer %.200s is %s, and the image's configuration wants %s",
                    p->layers.v[i], is, diff_id);
    return r;
}

static int take_image(struct load *l, const struct parts *p, struct err *err)
{
    auto_json json_t *json = NULL;
    auto_done(image_config) struct image_config config = {0};
    int r = json_parse(p->config.data, p->config.len, &json, err);
    if (r == 0)
        r = image_config_parse(json, &config, err);
    if (r < 0)
        return err ? err_wrap(err, "image configuration") : r;
    if (config.diff_ids.len != p->layers.len)
        return err_set(err, -EINVAL, "the image has %zu layers, its configuration names %zu",
                       p->layers.len, config.diff_ids.len);
    for (size_t i = 0; i < p->layers.len && r == 0; i++)
        r = take_layer(l, p, i, config.diff_ids.v[i], err);
    if (r < 0)
        return r;
    struct content_image image = {.config = p->config.data,
                                  .config_len = p->config.len,
                                  .names = &p->names,
                                  .docker = p->docker};
    grow_array(l->images, l->n, l->cap);
    r = content_image_store(l->store, &image, &l->images[l->n], err);
    if (r == 0)
        l->n++;
    return r;
}

/* A name as an archive has it, in full: one without a registry is a local one, unless it is
 * docker's. */
static int add_name(const char *name, bool docker, struct strv *ret, struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(name, &ref, err);
    if (r < 0)
        return err ? err_wrap(err, "the archive's name for the image") : r;
    if (ref.short_name && !docker) {
        auto_free char *local = xasprintf("localhost/%s", name);
        return add_name(local, true, ret, err);
    }
    auto_free char *full = image_ref_string(&ref);
    if (!strv_contains(ret, full))
        strv_add(ret, full);
    return 0;
}

/* --- docker's archive --------------------------------------------------------------------- */

static int docker_image(struct load *l, const json_t *entry, struct err *err)
{
    auto_done(parts) struct parts p = {.docker = true};
    auto_free char *config = NULL;
    auto_strv tags = {0};
    if (!json_is_object(entry))
        return err_set(err, -EINVAL, "an element of manifest.json is not an object");
    int r = json_want_string(entry, "Config", &config, err);
    if (r == 0)
        r = json_want_strv(entry, "Layers", &p.layers, err);
    if (r == 0)
        r = json_want_strv(entry, "RepoTags", &tags, err);
    if (r == 0 && !config)
        r = err_set(err, -EINVAL, "an image without \"Config\"");
    if (r == 0 && p.layers.len > SPEC_LAYERS_MAX)
        r = err_set(err, -E2BIG, "an image with more than %d layers", SPEC_LAYERS_MAX);
    if (r < 0)
        return err ? err_wrap(err, "manifest.json") : r;
    for (size_t i = 0; i < tags.len && r == 0; i++)
        r = add_name(tags.v[i], true, &p.names, err);
    if (r == 0)
        r = l->source.document(l->source.data, config, &p.config, err);
    return r < 0 ? r : take_image(l, &p, err);
}

static int load_docker(struct load *l, const json_t *list, struct err *err)
{
    size_t i, n = json_array_size(list);
    const json_t *entry;
    if (n == 0 || n > IMAGES_MAX)
        return err_set(err, -EINVAL, "manifest.json lists %zu images", n);
    json_array_foreach ((json_t *)list, i, entry) {
        int r = docker_image(l, entry, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- manifests ---------------------------------------------------------------------------- */

/* A blob's name: below blobs/sha256, or in a "dir:" by the bare hex. */
static char *blob_name(const char *digest, bool oci)
{
    return xasprintf("%s%s", oci ? "blobs/sha256/" : "", digest_hex(digest));
}

static int read_blob(struct load *l, const struct descriptor *d, bool oci, struct buf *ret,
                     struct err *err)
{
    auto_free char *name = blob_name(d->digest, oci);
    char is[72];
    int r = l->source.document(l->source.data, name, ret, err);
    if (r == 0)
        r = digest_of(ret->data, ret->len, is, err);
    if (r == 0 && strcmp(is, d->digest) != 0)
        r = err_set(err, -EBADMSG, "%s has the digest %s", name, is);
    if (r == 0 && (int64_t)ret->len != d->size)
        r = err_set(err, -EBADMSG, "%s has %zu bytes, not %lld", name, ret->len,
                    (long long)d->size);
    return r;
}

static int manifest_image(struct load *l, const json_t *json, bool oci, struct parts *p,
                          struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    int r = manifest_parse(json, &m, err);
    if (r == 0)
        r = read_blob(l, &m.config, oci, &p->config, err);
    for (size_t i = 0; i < m.n_layers && r == 0; i++)
        strv_add_owned(&p->layers, blob_name(m.layers[i].digest, oci));
    p->expect = m.layers;
    p->docker = r == 0 && manifest_is_docker(&m);
    return r < 0 ? r : take_image(l, p, err);
}

/* `json` is a manifest, or an index that leads to one. */
static int follow(struct load *l, const json_t *json, const char *media_type, bool nested,
                  struct parts *p, struct err *err)
{
    enum manifest_kind kind;
    int r = manifest_kind(json, media_type, &kind, err);
    if (r < 0)
        return r;
    if (kind == MANIFEST_IMAGE)
        return manifest_image(l, json, true, p, err);
    if (nested)
        return err_set(err, -EINVAL, "an index in an index in an index");
    auto_done(image_index) struct image_index index = {0};
    auto_json json_t *chosen = NULL;
    auto_buf text = {0};
    const struct descriptor *d = NULL;
    r = image_index_parse(json, &index, err);
    if (r == 0)
        r = image_index_choose(&index, l->o->platform, &d, err);
    if (r == 0)
        r = read_blob(l, d, true, &text, err);
    if (r == 0)
        r = json_parse(text.data, text.len, &chosen, err);
    return r < 0 ? r : follow(l, chosen, d->media_type, true, p, err);
}

/* --- OCI layout --------------------------------------------------------------------------- */

static int entry_names(const json_t *entry, struct strv *ret, struct err *err)
{
    const json_t *annotations = NULL;
    int r = json_want_object(entry, "annotations", &annotations, err);
    if (r < 0)
        return r;
    const char *full = json_get_string(annotations, ANNOTATION_FULL_NAME, NULL);
    const char *name = json_get_string(annotations, ANNOTATION_NAME, NULL);
    if (full)
        return add_name(full, true, ret, err);
    return name && *name ? add_name(name, false, ret, err) : 0;
}

static int same_digest(const struct descriptor *a, const struct descriptor *b)
{
    return strcmp(a->digest, b->digest) == 0;
}

/* Entries of one digest are one image with several names. */
static int oci_image(struct load *l, const json_t *list, const struct image_index *index, size_t i,
                     struct err *err)
{
    auto_done(parts) struct parts p = {0};
    auto_json json_t *json = NULL;
    auto_buf text = {0};
    const struct descriptor *d = &index->entries[i].descriptor;
    int r = 0;
    for (size_t k = 0; k < index->n && r == 0; k++)
        if (same_digest(&index->entries[k].descriptor, d)) {
            if (k < i)
                return 0; /* done with that one */
            r = entry_names(json_array_get(list, k), &p.names, err);
        }
    if (r == 0)
        r = read_blob(l, d, true, &text, err);
    if (r == 0)
        r = json_parse(text.data, text.len, &json, err);
    return r < 0 ? r : follow(l, json, d->media_type, false, &p, err);
}

static int load_layout(struct load *l, const json_t *json, struct err *err)
{
    auto_done(image_index) struct image_index index = {0};
    int r = image_index_parse(json, &index, err);
    if (r == 0 && (index.n == 0 || index.n > IMAGES_MAX))
        r = err_set(err, -EINVAL, "it lists %zu images", index.n);
    if (r < 0)
        return err ? err_wrap(err, "index.json") : r;
    const json_t *list = json_object_get(json, "manifests");
    for (size_t i = 0; i < index.n && r == 0; i++)
        r = oci_image(l, list, &index, i, err);
    return r;
}

/* ------------------------------------------------------------------------------------------ */

static int load_all(struct load *l, struct err *err)
{
    auto_json json_t *json = NULL;
    auto_done(parts) struct parts p = {0};
    struct err e = {0};
    int r = read_json(l, "manifest.json", &json, &e);
    if (r == 0 && json_is_array(json))
        return load_docker(l, json, err);
    if (r == 0)
        return manifest_image(l, json, false, &p, err);
    if (r == -ENOENT) {
        r = read_json(l, "index.json", &json, &e);
        if (r == 0)
            return load_layout(l, json, err);
    }
    if (r == -ENOENT)
        return err_set(err, -EINVAL, "no image: neither manifest.json nor index.json is there");
    return err_set(err, r, "%s", e.message);
}

int content_load(struct store *s, int fd, const struct load_options *o, struct store_image **ret,
                 size_t *ret_n, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "load");
    struct load l = {.store = s, .o = o};
    int r = (S_ISDIR(st.st_mode) ? load_directory_open : load_archive_open)(
        s, fd, o->progress, o->progress_arg, &l.source, err);
    if (r == 0)
        r = load_all(&l, err);
    load_source_done(&l.source);
    if (r < 0) {
        for (size_t i = 0; i < l.n; i++)
            store_image_done(&l.images[i]);
        free(l.images);
        return r;
    }
    *ret = l.images;
    *ret_n = l.n;
    return 0;
}
