/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of the store.
 *
 * Theory of operation. Blobs go out as they are read, hashed on the way, so a layer that is damaged
 * in the store is an error here and not somebody else's riddle. Only a compressed layer inside an
 * archive cannot: a tar wants size and name (the digest) before the bytes. Such a layer waits in a
 * staging directory, one at a time. */
#include "store/save.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "store/archive_out.h"
#include "store/internal.h"

#include <fcntl.h>
#include <string.h>

struct save {
    struct store *store;
    const struct save_options *o;
    struct archive_out *out;
    json_t *written; /* names of members, and as what: compressed layers' descriptors by diff id */
    uint64_t done, total;
    struct staging staging; /* for compressed layers in archives */
};

static bool is_oci(const struct save *s)
{
    return s->o->format == SAVE_OCI_ARCHIVE || s->o->format == SAVE_OCI_DIR;
}

/* What a blob is called in this format; the caller frees. */
static char *blob_name(const struct save *s, const char *digest, bool layer)
{
    if (is_oci(s))
        return xasprintf("blobs/sha256/%s", digest_hex(digest));
    const char *ending = s->o->format == SAVE_DOCKER_DIR ? "" : layer ? ".tar" : ".json";
    return xasprintf("%s%s", digest_hex(digest), ending);
}

/* Whether it is the first of that name. */
static bool mark(struct save *s, const char *name)
{
    if (json_object_get(s->written, name))
        return false;
    json_put(s->written, name, json_true());
    return true;
}

static int write_text(struct save *s, const char *digest, const void *text, size_t len,
                      struct err *err)
{
    auto_free char *name = blob_name(s, digest, false);
    return mark(s, name) ? archive_out_file(s->out, name, text, len, err) : 0;
}

/* --- layers ------------------------------------------------------------------------------- */

static int layer_data(void *arg, const void *data, size_t len, struct err *err)
{
    struct save *s = arg;
    s->done += len;
    if (s->o->progress)
        s->o->progress(s->o->progress_arg, s->done, s->total);
    return archive_out_data(s->out, data, len, err);
}

static int write_plain(struct save *s, const char *diff_id, int64_t size, struct err *err)
{
    auto_free char *name = blob_name(s, diff_id, true);
    char digest[72];
    int64_t got;
    int r = archive_out_begin(s->out, name, size, err);
    if (r == 0)
        r = content_layer_compress(s->store, diff_id, CONTENT_PLAIN, layer_data, s, digest, &got,
                                   err);
    return r < 0 ? r : archive_out_end(s->out, err);
}

struct staged {
    struct save *save;
    int fd;
};

static int staged_data(void *arg, const void *data, size_t len, struct err *err)
{
    struct staged *f = arg;
    int r = write_full(f->fd, data, len);
    return r < 0 ? err_errno(err, r, "write a compressed layer") : 0;
}

static int copy_staged(struct save *s, int fd, const char *digest, int64_t size, struct err *err)
{
    auto_free char *name = blob_name(s, digest, true), *chunk = xcalloc(1, 1 << 18);
    int r = archive_out_begin(s->out, name, size, err);
    for (int64_t at = 0; r == 0 && at < size;) {
        ssize_t n = pread_full(fd, chunk, 1 << 18, at);
        if (n <= 0)
            return err_errno(err, n < 0 ? (int)n : -EIO, "read a compressed layer");
        r = archive_out_data(s->out, chunk, (size_t)n, err);
        at += n;
    }
    return r < 0 ? r : archive_out_end(s->out, err);
}

static int write_compressed(struct save *s, const char *diff_id, struct descriptor *ret,
                            struct err *err)
{
    char digest[72];
    int64_t size, plain = 0;
    int r = s->staging.name ? 0 : store_staging_make(s->store, &s->staging, err);
    if (r < 0)
        return r;
    auto_close int fd =
        openat(s->staging.fd, "layer", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "stage a compressed layer");
    struct staged staged = {s, fd};
    r = content_layer_compress(s->store, diff_id, CONTENT_GZIP, staged_data, &staged, digest, &size,
                               err);
    if (r == 0)
        r = copy_staged(s, fd, digest, size, err);
    if (r < 0)
        return r;
    store_layer_size(s->store, diff_id, &plain, NULL);
    s->done += (uint64_t)plain;
    if (s->o->progress)
        s->o->progress(s->o->progress_arg, s->done, s->total);
    ret->digest = xstrdup(digest);
    ret->size = size;
    return 0;
}

static const char *layer_type(const struct save *s)
{
    if (is_oci(s))
        return s->o->compress ? MEDIA_OCI_LAYER_GZIP : MEDIA_OCI_LAYER;
    return s->o->compress ? MEDIA_DOCKER_LAYER_GZIP : MEDIA_DOCKER_LAYER;
}

/* Fills *ret also for a layer that was written before. */
static int write_layer(struct save *s, const char *diff_id, struct descriptor *ret, struct err *err)
{
    const json_t *before = json_object_get(s->written, diff_id);
    ret->media_type = xstrdup(layer_type(s));
    if (before) {
        ret->digest = xstrdup(json_get_string(before, "digest", ""));
        ret->size = json_integer_value(json_object_get(before, "size"));
        return 0;
    }
    int r = store_layer_size(s->store, diff_id, &ret->size, err);
    if (r == 0 && s->o->compress) {
        r = write_compressed(s, diff_id, ret, err);
    } else if (r == 0) {
        ret->digest = xstrdup(diff_id);
        r = write_plain(s, diff_id, ret->size, err);
    }
    if (r < 0)
        return r;
    json_t *known = json_object();
    json_put_string(known, "digest", ret->digest);
    json_put(known, "size", json_integer(ret->size));
    json_put(s->written, diff_id, known);
    return 0;
}

/* --- images ------------------------------------------------------------------------------- */

static int read_config(struct save *s, const struct store_image *image, struct buf *ret,
                       struct err *err)
{
    auto_free char *digest = xasprintf("sha256:%s", image->id);
    char is[72];
    int r = store_blob_read(s->store, digest, ret, err);
    if (r == 0)
        r = digest_of(ret->data, ret->len, is, err);
    if (r == 0 && strcmp(is, digest) != 0)
        r = err_set(err, -EBADMSG, "the image's configuration %s is damaged", digest);
    return r;
}

/* One element of docker's manifest.json. */
static int docker_entry(struct save *s, const struct save_image *i, json_t *list, struct err *err)
{
    auto_buf config = {0};
    auto_free char *digest = xasprintf("sha256:%s", i->image->id);
    int r = read_config(s, i->image, &config, err);
    if (r == 0)
        r = write_text(s, digest, config.data, config.len, err);
    if (r < 0)
        return r;
    json_t *entry = json_object(), *layers = json_array();
    auto_free char *name = blob_name(s, digest, false);
    json_put_string(entry, "Config", name);
    json_put(entry, "RepoTags", json_from_strv(&i->names));
    for (size_t k = 0; k < i->image->layers.len; k++) {
        auto_free char *layer = blob_name(s, i->image->layers.v[k], true);
        json_array_append_new(layers, json_from_string(layer));
    }
    json_put(entry, "Layers", layers);
    json_array_append_new(list, entry);
    return 0;
}

/* What there is to know comes first, so that a reader need not look through the layers for it. */
static int save_docker_archive(struct save *s, struct err *err)
{
    auto_json json_t *list = json_array();
    int r = 0;
    for (size_t i = 0; i < s->o->n && r == 0; i++)
        r = docker_entry(s, &s->o->images[i], list, err);
    auto_free char *text = json_text(list);
    if (r == 0)
        r = archive_out_file(s->out, "manifest.json", text, strlen(text), err);
    for (size_t i = 0; i < s->o->n && r == 0; i++) {
        const struct strv *layers = &s->o->images[i].image->layers;
        for (size_t k = 0; k < layers->len && r == 0; k++) {
            struct descriptor d = {0};
            r = write_layer(s, layers->v[k], &d, err);
            free(d.media_type);
            free(d.digest);
        }
    }
    return r;
}

/* Layers, configuration, and the manifest as JSON. */
static int write_image(struct save *s, const struct store_image *image, json_t **ret,
                       struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    auto_buf config = {0};
    int r = read_config(s, image, &config, err);
    m.layers = xcalloc(image->layers.len, sizeof(*m.layers));
    for (size_t i = 0; i < image->layers.len && r == 0; i++)
        r = write_layer(s, image->layers.v[i], &m.layers[m.n_layers++], err);
    if (r < 0)
        return r;
    m.config = (struct descriptor){.media_type =
                                       xstrdup(is_oci(s) ? MEDIA_OCI_CONFIG : MEDIA_DOCKER_CONFIG),
                                   .digest = xasprintf("sha256:%s", image->id),
                                   .size = (int64_t)config.len};
    r = write_text(s, m.config.digest, config.data, config.len, err);
    if (r < 0)
        return r;
    *ret = manifest_json(&m);
    if (!is_oci(s))
        json_put_string(*ret, "mediaType", MEDIA_DOCKER_MANIFEST);
    return 0;
}

static void list_in_index(json_t *list, const struct strv *names, const char *digest, size_t size)
{
    for (size_t i = 0; i < names->len || i == 0; i++) {
        json_t *entry = json_object(), *annotations = json_object();
        json_put_string(entry, "mediaType", MEDIA_OCI_MANIFEST);
        json_put_string(entry, "digest", digest);
        json_put(entry, "size", json_integer((json_int_t)size));
        if (names->len)
            json_put_string(annotations, ANNOTATION_NAME, names->v[i]);
        json_put(entry, "annotations", annotations);
        if (!names->len)
            json_object_del(entry, "annotations");
        json_array_append_new(list, entry);
    }
}

static int oci_entry(struct save *s, const struct save_image *i, json_t *list, struct err *err)
{
    auto_json json_t *manifest = NULL;
    char digest[72];
    int r = write_image(s, i->image, &manifest, err);
    if (r < 0)
        return r;
    auto_free char *text = json_text(manifest);
    r = digest_of(text, strlen(text), digest, err);
    if (r == 0)
        r = write_text(s, digest, text, strlen(text), err);
    if (r == 0)
        list_in_index(list, &i->names, digest, strlen(text));
    return r;
}

static int save_oci(struct save *s, struct err *err)
{
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    auto_json json_t *index = json_object();
    json_t *list = json_array();
    json_put(index, "schemaVersion", json_integer(2));
    json_put_string(index, "mediaType", MEDIA_OCI_INDEX);
    json_put(index, "manifests", list);
    int r = archive_out_file(s->out, "oci-layout", layout, sizeof(layout) - 1, err);
    if (r == 0)
        r = archive_out_directory(s->out, "blobs", err);
    if (r == 0)
        r = archive_out_directory(s->out, "blobs/sha256", err);
    for (size_t i = 0; i < s->o->n && r == 0; i++)
        r = oci_entry(s, &s->o->images[i], list, err);
    auto_free char *text = json_text(index);
    return r < 0 ? r : archive_out_file(s->out, "index.json", text, strlen(text), err);
}

static int save_docker_dir(struct save *s, struct err *err)
{
    static const char version[] = "Directory Transport Version: 1.1\n";
    auto_json json_t *manifest = NULL;
    int r = archive_out_file(s->out, "version", version, sizeof(version) - 1, err);
    if (r == 0)
        r = write_image(s, s->o->images[0].image, &manifest, err);
    if (r < 0)
        return r;
    auto_free char *text = json_text(manifest);
    return archive_out_file(s->out, "manifest.json", text, strlen(text), err);
}

/* Layers that several images share count once. */
static uint64_t total_size(struct save *s)
{
    auto_json json_t *seen = json_object();
    uint64_t total = 0;
    for (size_t i = 0; i < s->o->n; i++) {
        const struct strv *layers = &s->o->images[i].image->layers;
        for (size_t k = 0; k < layers->len; k++) {
            int64_t size = 0;
            if (json_object_get(seen, layers->v[k]))
                continue;
            json_put(seen, layers->v[k], json_true());
            store_layer_size(s->store, layers->v[k], &size, NULL);
            total += (uint64_t)size;
        }
    }
    return total;
}

int content_save(struct store *store, const struct save_options *o, int fd, struct err *err)
{
    auto_ptr(archive_out) struct archive_out *out = NULL;
    auto_json json_t *written = json_object();
    struct save s = {.store = store,
                     .o = o,
                     .written = written,
                     .staging = {.store = store, .fd = -1, .lock = -1}};
    int r = archive_out_new(fd, &out, err);
    if (r < 0)
        return r;
    s.out = out;
    s.total = total_size(&s);
    if (o->format == SAVE_DOCKER_ARCHIVE)
        r = save_docker_archive(&s, err);
    else if (o->format == SAVE_DOCKER_DIR)
        r = save_docker_dir(&s, err);
    else
        r = save_oci(&s, err);
    if (r == 0)
        r = archive_out_finish(out, err);
    store_staging_done(&s.staging);
    return r;
}
