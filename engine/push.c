/* SPDX-License-Identifier: Apache-2.0 */
/* `push`: an image to a registry.
 *
 * Theory of operation. For each layer: what is remembered of it (store/origins.h) tells as which
 * compressed blob a registry may have it. Where the repository has that, nothing is sent; where
 * another repository of the same registry has it, the registry is asked to take it over; else the
 * layer is compressed while it is sent. The same layer always compresses to the same bytes, so a
 * second push finds the first one's blob. The configuration goes as it is, which keeps the image's
 * id; the manifest goes last, when all it names is there. */
#include "engine/pull.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/events.h"
#include "engine/image_find.h"
#include "spec/hash.h"
#include "store/content.h"
#include "store/origins.h"

#include <string.h>

struct push {
    struct engine *engine;
    const struct push_options *o;
    bool docker; /* the manifest's form */
    struct registry *registry;
    const struct registry_endpoint *at;
    struct store_image image;
    struct descriptor *blobs; /* one for each layer, filled by the transfers */
    struct transfers transfers;
    size_t *layers; /* which layer each transfer is */
};

static void push_done(struct push *p)
{
    for (size_t i = 0; p->blobs && i < p->image.layers.len; i++) {
        free(p->blobs[i].digest);
        free(p->blobs[i].media_type);
    }
    free(p->blobs);
    free(p->layers);
    free(p->transfers.v);
    store_image_done(&p->image);
}
DEFINE_AUTO(push, push_done)

/* --- layers ------------------------------------------------------------------------------- */

static bool is_wanted_compression(const struct push *p, const char *media_type)
{
    const char *ending = p->o->compression == PUSH_ZSTD ? "zstd" : "gzip";
    size_t n = strlen(media_type);
    return n > 4 && strcmp(media_type + n - 4, ending) == 0;
}

static const char *layer_type(const struct push *p)
{
    if (p->docker)
        return MEDIA_DOCKER_LAYER_GZIP;
    return p->o->compression == PUSH_ZSTD ? MEDIA_OCI_LAYER_ZSTD : MEDIA_OCI_LAYER_GZIP;
}

static void set_blob(const struct push *p, struct descriptor *blob, const char *digest,
                     int64_t size)
{
    blob->digest = xstrdup(digest);
    blob->media_type = xstrdup(layer_type(p));
    blob->size = size;
}

/* Asks for the blob in all repositories of this registry that had it. */
static int mount_from_any(struct push *p, const struct store_origin *origin, bool *ret,
                          struct err *err)
{
    size_t len = strlen(p->at->registry);
    for (size_t i = 0; i < origin->repositories.len; i++) {
        const char *place = origin->repositories.v[i];
        if (strncmp(place, p->at->registry, len) != 0 || place[len] != '/' ||
            strcmp(place + len + 1, p->at->repository) == 0)
            continue;
        int r = registry_blob_mount(p->registry, p->at->repository, place + len + 1, origin->digest,
                                    ret, err);
        if (r < 0 || *ret)
            return r;
    }
    return 0;
}

/* Whether the registry has one of the blobs that are remembered; fills *blob then. */
static int find_remote(struct push *p, const char *diff_id, struct transfer *t,
                       struct descriptor *blob, bool *ret_found, struct err *err)
{
    auto_done(store_origins) struct store_origins origins;
    store_origins_read(&p->engine->store, diff_id, &origins);
    for (size_t i = 0; i < origins.n; i++) {
        const struct store_origin *origin = &origins.blobs[i];
        bool there = false, mounted = false;
        if (!is_wanted_compression(p, origin->media_type))
            continue;
        int r = registry_blob_exists(p->registry, p->at->repository, origin->digest, &there, err);
        if (r == 0 && !there)
            r = mount_from_any(p, origin, &mounted, err);
        if (r < 0)
            return r;
        if (!there && !mounted)
            continue;
        set_blob(p, blob, origin->digest, origin->size);
        atomic_store(&t->state, mounted ? TRANSFER_MOUNTED : TRANSFER_EXISTS);
        *ret_found = true;
        return 0;
    }
    return 0;
}

/* A layer that is compressed into an upload. */
struct outgoing {
    struct push *push;
    const char *diff_id;
    struct transfer *transfer;
    registry_write_fn write;
    void *write_arg;
};

static int pass_on(void *arg, const void *data, size_t len, struct err *err)
{
    struct outgoing *out = arg;
    int r = out->write(out->write_arg, data, len, err);
    if (r == 0)
        atomic_fetch_add(&out->transfer->done, (long long)len);
    return r;
}

static int produce(void *arg, registry_write_fn write, void *write_arg, char ret_digest[static 72],
                   int64_t *ret_size, struct err *err)
{
    struct outgoing *out = arg;
    enum content_compression how =
        out->push->o->compression == PUSH_ZSTD ? CONTENT_ZSTD : CONTENT_GZIP;
    out->write = write;
    out->write_arg = write_arg;
    atomic_store(&out->transfer->done, 0);
    return content_layer_compress(&out->push->engine->store, out->diff_id, how, pass_on, out,
                                  ret_digest, ret_size, err);
}

static int send_layer(struct push *p, const char *diff_id, struct transfer *t,
                      struct descriptor *blob, struct err *err)
{
    struct outgoing out = {.push = p, .diff_id = diff_id, .transfer = t};
    struct registry_source source = {.produce = produce, .arg = &out};
    char digest[72];
    int64_t size = 0;
    atomic_store(&t->state, TRANSFER_RUNNING);
    int r = registry_blob_send(p->registry, p->at->repository, &source, digest, &size, err);
    if (r < 0)
        return r;
    set_blob(p, blob, digest, size);
    atomic_store(&t->state, TRANSFER_DONE);
    return 0;
}

/* One layer, in one of the threads. */
static int job(void *arg, size_t i, struct err *err)
{
    struct push *p = arg;
    struct transfer *t = &p->transfers.v[i];
    struct descriptor *blob = &p->blobs[p->layers[i]];
    const char *diff_id = p->image.layers.v[p->layers[i]];
    auto_free char *repository = xasprintf("%s/%s", p->at->registry, p->at->repository);
    bool found = false;
    int r = find_remote(p, diff_id, t, blob, &found, err);
    if (r == 0 && !found)
        r = send_layer(p, diff_id, t, blob, err);
    if (r < 0)
        return err ? err_wrap(err, "layer %.19s", diff_id) : r;
    store_origins_add(&p->engine->store, diff_id, blob, true, repository);
    return 0;
}

static void list_layers(struct push *p)
{
    struct transfers *t = &p->transfers;
    p->blobs = xcalloc(p->image.layers.len, sizeof(*p->blobs));
    transfers_list(t, &p->image.layers, &p->layers); /* compressed sizes: known at the end */
    t->job = job;
    t->job_arg = p;
    t->watch = p->o->watch.watch;
    t->watch_arg = p->o->watch.arg;
}

/* A layer that is there twice was sent once. */
static void fill_repeated(struct push *p)
{
    const struct strv *ids = &p->image.layers;
    for (size_t i = 0; i < ids->len; i++)
        for (size_t j = 0; j < i && !p->blobs[i].digest; j++)
            if (strcmp(ids->v[i], ids->v[j]) == 0)
                set_blob(p, &p->blobs[i], p->blobs[j].digest, p->blobs[j].size);
}

/* --- documents ---------------------------------------------------------------------------- */

static int put_config(struct push *p, struct descriptor *ret, struct err *err)
{
    auto_free char *digest = xasprintf("sha256:%s", p->image.id);
    auto_buf text = {0};
    bool there = false;
    int r = store_blob_read(&p->engine->store, digest, &text, err);
    if (r == 0)
        r = registry_blob_exists(p->registry, p->at->repository, digest, &there, err);
    if (r == 0 && !there)
        r = registry_blob_put(p->registry, p->at->repository, digest, buf_str(&text), text.len,
                              err);
    if (r < 0)
        return err ? err_wrap(err, "image configuration") : r;
    *ret = (struct descriptor){.media_type =
                                   xstrdup(p->docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG),
                               .digest = take_ptr(digest),
                               .size = (int64_t)text.len};
    return 0;
}

static int put_manifest(struct push *p, const struct image_ref *ref, char ret_digest[static 72],
                        struct err *err)
{
    const char *type = p->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
    struct manifest m = {.layers = p->blobs, .n_layers = p->image.layers.len};
    int r = put_config(p, &m.config, err);
    if (r < 0)
        return r;
    auto_json json_t *json = manifest_json(&m);
    json_put_string(json, "mediaType", type);
    free(m.config.media_type);
    free(m.config.digest);
    auto_free char *text = json_text(json);
    r = digest_of(text, strlen(text), ret_digest, err);
    if (r < 0)
        return r;
    return registry_manifest_put(p->registry, p->at->repository, ref->tag ? ref->tag : ret_digest,
                                 type, text, strlen(text), err);
}

static int push_to(struct push *p, const struct image_ref *ref, char ret_digest[static 72],
                   struct err *err)
{
    auto_free char *name = image_ref_string(ref);
    list_layers(p);
    int r = transfers_run(&p->transfers, err);
    if (r < 0)
        return r;
    fill_repeated(p);
    r = put_manifest(p, ref, ret_digest, err);
    if (r == 0 && strv_contains(&p->image.names, name))
        store_image_set_origin(&p->engine->store, name, ret_digest);
    return r;
}

/* --- where to ----------------------------------------------------------------------------- */

/* "docker://name" and "name" are the same; other places are `save`'s. */
static int parse_destination(const char *text, struct image_ref *ret, struct err *err)
{
    if (strncmp(text, "docker://", 9) == 0)
        text += 9;
    else if (strstr(text, "://"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "\"%.200s\": push goes to registries only (docker://NAME); to a file or "
                        "directory: wherry save",
                        text);
    int r = image_ref_parse(text, ret, err);
    if (r == 0 && ret->digest)
        r = err_kind(err, ERR_USAGE, -EINVAL,
                     "\"%.200s\": what is pushed gets its digest by itself: give a tag, or nothing",
                     text);
    return r;
}

/* Without a destination: the name that the image was called by, or the first it has. */
static int choose_destination(const struct push *p, const char *meant, struct image_ref *ret,
                              struct err *err)
{
    if (p->o->destination)
        return parse_destination(p->o->destination, ret, err);
    if (meant && !strchr(meant, '@'))
        return image_ref_parse(meant, ret, err);
    for (size_t i = 0; i < p->image.names.len; i++)
        if (!strchr(p->image.names.v[i], '@'))
            return image_ref_parse(p->image.names.v[i], ret, err);
    return err_kind(err, ERR_USAGE, -EINVAL, "%.200s has no name: say where to push it",
                    p->o->image);
}

static int check_options(const struct push_options *o, struct err *err)
{
    if (o->docker && o->compression == PUSH_ZSTD)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "docker's schema 2 has no zstd layers: use --format oci, or gzip");
    return 0;
}

int content_push(struct engine *e, const struct push_options *o, char ret_digest[static 72],
                 struct err *err)
{
    atomic_bool cancel = false;
    auto_done(push) struct push p = {.engine = e, .o = o, .transfers = {.cancel = &cancel}};
    auto_done(image_ref) struct image_ref ref = {0};
    auto_done(registries) struct registries conf = {0};
    auto_done(registry_endpoints) struct registry_endpoints places = {0};
    auto_registry struct registry *registry = NULL;
    const char *meant = NULL;
    int r = check_options(o, err);
    if (r == 0)
        r = image_find(e, o->image, &p.image, &meant, err);
    if (r == 0)
        r = choose_destination(&p, meant, &ref, err);
    p.docker = o->docker || (p.image.docker && !o->oci && o->compression != PUSH_ZSTD);
    if (r == 0)
        r = registries_load(e->registries_conf, &conf, err);
    if (r == 0)
        r = registries_endpoints(&conf, &ref, &places, err);
    if (r < 0)
        return r;
    p.at = &places.v[places.n - 1]; /* the registry itself: mirrors are for reading */
    r = registry_access_open(&o->access, &conf, p.at, &cancel, &registry, err);
    p.registry = registry;
    if (r == 0)
        r = push_to(&p, &ref, ret_digest, err);
    if (r == 0)
        event_image(&e->store, "push", p.image.id, o->image);
    return r;
}
