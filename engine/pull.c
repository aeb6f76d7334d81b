/* SPDX-License-Identifier: Apache-2.0 */
/* `pull`: an image from a registry.
 *
 * Theory of operation. registries.conf turns the name into candidates, and each of them into places
 * to ask (mirrors first); the first that gives the image wins. Document by document it becomes
 * clear what is to be fetched: index, manifest, configuration. The configuration names the diff
 * ids, so a layer that the store has is not fetched, whatever it is compressed with. The rest goes
 * several layers at once from the network through the store's sinks: checked, decompressed, hashed,
 * written and indexed as it comes. The image is listed when everything is there. What one place
 * gave before it failed is not asked of the next one again. */
#include "engine/pull.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/events.h"
#include "engine/image_find.h"
#include "engine/sweep.h"
#include "spec/policy.h"
#include "store/content.h"
#include "store/origins.h"

#include <string.h>

/* One image on its way. */
struct pull {
    struct engine *engine;
    const struct pull_options *o;
    struct registry *registry;
    const struct registry_endpoint *at;
    struct manifest manifest;
    struct image_config config;
    struct buf config_text;
    char *origin; /* digests by which the registry knows it */
    struct transfers transfers;
    size_t *layers; /* which layer each transfer is */
};

static void pull_done(struct pull *p)
{
    manifest_done(&p->manifest);
    image_config_done(&p->config);
    buf_done(&p->config_text);
    free(p->origin);
    free(p->layers);
    free(p->transfers.v);
}
DEFINE_AUTO(pull, pull_done)

static void say(const struct pull_options *o, const char *fmt, const char *what)
{
    auto_free char *line = xasprintf("%s%s", fmt, what);
    if (o->watch.say)
        o->watch.say(o->watch.arg, line);
}

/* --- documents ---------------------------------------------------------------------------- */

static int get_document(const struct pull *p, const char *reference, struct registry_document *ret,
                        json_t **ret_json, enum manifest_kind *ret_kind, struct err *err)
{
    int r = registry_manifest_get(p->registry, p->at->repository, reference, ret, err);
    if (r == 0)
        r = json_parse(buf_str(&ret->text), ret->text.len, ret_json, err);
    return r < 0 ? r : manifest_kind(*ret_json, ret->media_type, ret_kind, err);
}

static int choose(const struct pull *p, const json_t *json, char **ret_digest, struct err *err)
{
    auto_done(image_index) struct image_index index = {0};
    auto_done(platform) struct platform host = {0};
    const struct descriptor *chosen = NULL;
    int r = image_index_parse(json, &index, err);
    if (r < 0)
        return r;
    platform_host(&host);
    r = image_index_choose(&index, p->o->platform ? p->o->platform : &host, &chosen, err);
    if (r == 0)
        *ret_digest = xstrdup(chosen->digest);
    return r;
}

static int check_types(const struct manifest *m, struct err *err)
{
    const char *config = m->config.media_type;
    if (strcmp(config, MEDIA_OCI_CONFIG) != 0 && strcmp(config, MEDIA_DOCKER_CONFIG) != 0)
        return err_set(err, -ENOTSUP, "it is no container image but has \"%.150s\" in it", config);
    for (size_t i = 0; i < m->n_layers; i++)
        if (strstr(m->layers[i].media_type, "encrypted"))
            return err_set(err, -ENOTSUP, "layer %s is encrypted", m->layers[i].digest);
    return 0;
}

/* Through the index, if there is one, to the manifest. */
static int get_manifest(struct pull *p, const char *reference, struct err *err)
{
    auto_done(registry_document) struct registry_document first = {0}, second = {0};
    auto_json json_t *json = NULL, *inner = NULL;
    auto_free char *digest = NULL;
    enum manifest_kind kind;
    int r = get_document(p, reference, &first, &json, &kind, err);
    if (r < 0)
        return r;
    if (kind == MANIFEST_INDEX) {
        r = choose(p, json, &digest, err);
        if (r == 0)
            r = get_document(p, digest, &second, &inner, &kind, err);
        if (r == 0 && kind != MANIFEST_IMAGE)
            r = err_set(err, -EINVAL, "the index leads to another index");
    }
    if (r == 0)
        r = manifest_parse(inner ? inner : json, &p->manifest, err);
    if (r == 0)
        r = check_types(&p->manifest, err);
    if (r == 0)
        p->origin =
            digest ? xasprintf("%s %s", second.digest, first.digest) : xstrdup(first.digest);
    return r;
}

static int get_config(struct pull *p, struct err *err)
{
    auto_json json_t *json = NULL;
    int r = registry_blob_read(p->registry, p->at->repository, &p->manifest.config, &p->config_text,
                               err);
    if (r == 0)
        r = json_parse(buf_str(&p->config_text), p->config_text.len, &json, err);
    if (r == 0)
        r = image_config_parse(json, &p->config, err);
    if (r == 0 && p->config.diff_ids.len != p->manifest.n_layers)
        r = err_set(err, -EINVAL, "the manifest has %zu layers, the configuration %zu",
                    p->manifest.n_layers, p->config.diff_ids.len);
    return r < 0 && err ? err_wrap(err, "image configuration") : r;
}

/* --- layers ------------------------------------------------------------------------------- */

struct receiver {
    struct content_sink *sink;
    struct transfer *transfer;
};

static int receive(void *arg, const void *data, size_t len, struct err *err)
{
    struct receiver *rx = arg;
    int r = content_sink_add(rx->sink, data, len, err);
    if (r == 0)
        atomic_fetch_add(&rx->transfer->done, (long long)len);
    return r;
}

static int fetch_layer(struct pull *p, struct transfer *t, const struct descriptor *blob,
                       const char *diff_id, struct err *err)
{
    auto_content_sink sink = NULL;
    struct content_layer layer = {0};
    struct content_expect expect = {.digest = blob->digest, .diff_id = diff_id, .size = blob->size};
    struct receiver rx = {.transfer = t};
    atomic_store(&t->state, TRANSFER_RUNNING);
    int r = content_sink_open(&p->engine->store, &expect, &sink, err);
    rx.sink = sink;
    if (r == 0)
        r = registry_blob_get(p->registry, p->at->repository, blob, receive, &rx, err);
    atomic_store(&t->state, TRANSFER_FINISHING);
    if (r == 0)
        r = content_sink_publish(sink, &layer, err);
    free(layer.diff_id);
    return r;
}

static void waits(void *arg)
{
    struct transfer *t = arg;
    atomic_store(&t->state, TRANSFER_WAITING);
}

/* One layer, in one of the threads. */
static int job(void *arg, size_t i, struct err *err)
{
    struct pull *p = arg;
    struct transfer *t = &p->transfers.v[i];
    const struct descriptor *blob = &p->manifest.layers[p->layers[i]];
    const char *diff_id = p->config.diff_ids.v[p->layers[i]];
    auto_done(store_fetch) struct store_fetch fetch = {.lock = -1};
    int r = store_fetch_begin(&p->engine->store, diff_id, waits, t, &fetch, err);
    if (r < 0)
        return r;
    if (store_blob_claim(&p->engine->store, diff_id, NULL) == 0) {
        atomic_store(&t->state, TRANSFER_EXISTS);
        return 0;
    }
    r = fetch_layer(p, t, blob, diff_id, err);
    if (r < 0)
        return err ? err_wrap(err, "layer %.19s", blob->digest) : r;
    atomic_store(&t->state, TRANSFER_DONE);
    return 0;
}

static void list_layers(struct pull *p)
{
    struct transfers *t = &p->transfers;
    transfers_list(t, &p->config.diff_ids, &p->layers);
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].digest = p->manifest.layers[p->layers[i]].digest;
        atomic_init(&t->v[i].total, p->manifest.layers[p->layers[i]].size);
    }
    t->job = job;
    t->job_arg = p;
    t->watch = p->o->watch.watch;
    t->watch_arg = p->o->watch.arg;
}

/* Where the layers were found, for a push to come. */
static void remember(const struct pull *p)
{
    auto_free char *repository = xasprintf("%s/%s", p->at->registry, p->at->repository);
    for (size_t i = 0; i < p->transfers.n; i++) {
        size_t k = p->layers[i];
        bool seen = atomic_load(&p->transfers.v[i].state) == TRANSFER_DONE;
        store_origins_add(&p->engine->store, p->config.diff_ids.v[k], &p->manifest.layers[k], seen,
                          repository);
    }
}

/* --- one image ---------------------------------------------------------------------------- */

/* The name that the image gets: with a digest the tag says nothing. */
static char *full_name(const struct image_ref *ref)
{
    if (!ref->digest)
        return image_ref_string(ref);
    return xasprintf("%s/%s@%s", ref->registry, ref->repository, ref->digest);
}

/* Whether the store's image is for the platform that was asked for. */
static bool fits(struct engine *e, const struct store_image *image, const struct platform *want)
{
    auto_done(image_config) struct image_config config = {0};
    if (!want || store_image_config(&e->store, image, &config, NULL, NULL) < 0)
        return true;
    struct platform has = {
        .os = config.os, .architecture = config.architecture, .variant = config.variant};
    return platform_match(want, &has) > 0;
}

/* With PULL_NEWER: whether what is here is what the registry has. */
static bool is_current(const struct pull *p, const char *name, const char *reference,
                       struct store_image *ret)
{
    char digest[72];
    struct store_image *image = ret;
    if (p->o->policy != PULL_NEWER || store_image_find(&p->engine->store, name, image, NULL) < 0)
        return false;
    if (registry_manifest_digest(p->registry, p->at->repository, reference, digest, NULL) < 0)
        return false;
    if (!fits(p->engine, image, p->o->platform)) /* the digest may be an index's */
        return false;
    for (size_t i = 0; i < image->names.len; i++)
        if (strcmp(image->names.v[i], name) == 0 && strstr(image->origins.v[i], digest))
            return true;
    return false;
}

/* A registry may have one image only, which is then not for what was asked for. */
static void check_platform(const struct pull *p)
{
    struct platform has = {
        .os = p->config.os, .architecture = p->config.architecture, .variant = p->config.variant};
    if (!p->o->platform || platform_match(p->o->platform, &has))
        return;
    auto_free char *text = platform_string(&has);
    say(p->o, "Warning: the image is not for the platform that was asked for but for ", text);
}

static int pull_image(struct pull *p, const struct image_ref *ref, struct strv *ret_ids,
                      struct err *err)
{
    const char *reference = ref->digest ? ref->digest : ref->tag;
    auto_done(store_image) struct store_image image = {0};
    auto_free char *name = full_name(ref);
    auto_strv names = {0};
    if (is_current(p, name, reference, &image)) {
        strv_add(ret_ids, image.id);
        return 0;
    }
    store_image_done(&image);
    int r = get_manifest(p, reference, err);
    if (r == 0)
        r = get_config(p, err);
    if (r < 0)
        return r;
    check_platform(p);
    list_layers(p);
    r = transfers_run(&p->transfers, err);
    if (r < 0)
        return r;
    strv_add(&names, name);
    struct content_image made = {.config = buf_str(&p->config_text),
                                 .config_len = p->config_text.len,
                                 .names = &names,
                                 .docker = manifest_is_docker(&p->manifest),
                                 .origin = p->origin};
    r = content_image_store(&p->engine->store, &made, &image, err);
    if (r < 0)
        return r;
    remember(p);
    strv_add(ret_ids, image.id);
    return 0;
}

static int pull_tags(struct pull *p, const struct image_ref *ref, struct strv *ret_ids,
                     struct err *err)
{
    auto_strv tags = {0};
    int r = registry_tags(p->registry, p->at->repository, &tags, err);
    if (r == 0 && tags.len == 0)
        r = err_kind(err, ERR_NOT_FOUND, -ENOENT, "there are no tags");
    for (size_t i = 0; i < tags.len && r == 0; i++) {
        auto_free char *text = xasprintf("%s/%s:%s", ref->registry, ref->repository, tags.v[i]);
        auto_done(image_ref) struct image_ref one = {0};
        r = image_ref_parse(text, &one, err);
        if (r < 0)
            return r;
        auto_done(pull) struct pull q = {.engine = p->engine,
                                         .o = p->o,
                                         .registry = p->registry,
                                         .at = p->at,
                                         .transfers = {.cancel = p->transfers.cancel}};
        say(p->o, "Trying to pull ", text);
        r = pull_image(&q, &one, ret_ids, err);
        if (r < 0 && err)
            err_wrap(err, "%s", text);
    }
    return r;
}

/* --- where to ask ------------------------------------------------------------------------- */

/* Another place cannot do better. */
static bool is_final(int r)
{
    return r == -ENOSPC || r == -EDQUOT || r == -ECANCELED || r == -EROFS || r == -EMFILE;
}

static int pull_from(struct engine *e, const struct pull_options *o, const struct registries *conf,
                     const struct image_ref *ref, const struct registry_endpoint *at,
                     struct strv *ret_ids, struct err *err)
{
    auto_registry struct registry *registry = NULL;
    atomic_bool cancel = false;
    auto_done(pull) struct pull p = {
        .engine = e, .o = o, .at = at, .transfers = {.cancel = &cancel}};
    int r = registry_access_open(&o->access, conf, at, &cancel, &registry, err);
    p.registry = registry;
    if (r < 0)
        return r;
    return o->all_tags ? pull_tags(&p, ref, ret_ids, err) : pull_image(&p, ref, ret_ids, err);
}

/* Adds what went wrong in one place to what went wrong before. */
static void add_failure(struct buf *all, const struct registry_endpoint *at, const struct err *err)
{
    if (all->len)
        buf_add_str(all, "; ");
    if (!strstr(err->message, at->registry))
        buf_printf(all, "%s: ", at->registry);
    buf_add_str(all, err->message);
}

static int pull_candidate(struct engine *e, const struct pull_options *o,
                          const struct registries *conf, const struct policy *policy,
                          const char *candidate, struct strv *ret_ids, struct buf *failures,
                          struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    auto_done(registry_endpoints) struct registry_endpoints places = {0};
    int r = image_ref_parse(candidate, &ref, err);
    if (r == 0)
        r = policy_check(policy, &ref, err);
    if (r == 0)
        r = registries_endpoints(conf, &ref, &places, err);
    if (r < 0)
        return r;
    say(o, "Trying to pull ", candidate);
    for (size_t i = 0; i < places.n; i++) {
        struct err one = {0};
        r = pull_from(e, o, conf, &ref, &places.v[i], ret_ids, &one);
        if (r == 0)
            return 0;
        add_failure(failures, &places.v[i], &one);
        if (err)
            *err = one;
        if (is_final(r))
            break;
    }
    return r;
}

static int pull_candidates(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                           struct err *err)
{
    auto_done(registries) struct registries conf = {0};
    auto_done(policy) struct policy policy = {0};
    auto_strv candidates = {0};
    auto_buf failures = {0};
    int r = policy_load(&policy, err);
    if (r == 0)
        r = registries_load(e->registries_conf, &conf, err);
    if (r == 0)
        r = registries_resolve(&conf, o->name, &candidates, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < candidates.len; i++) {
        r = pull_candidate(e, o, &conf, &policy, candidates.v[i], ret_ids, &failures, err);
        if (r == 0 || is_final(r))
            break;
    }
    if (r < 0 && failures.len && err)
        return err_kind(err, err->kind, r, "%.200s: %s", o->name, buf_str(&failures));
    return r;
}

int content_name_candidates(const char *path, const char *name, struct strv *ret, struct err *err)
{
    auto_done(registries) struct registries conf = {0};
    int r = registries_load(path, &conf, err);
    return r < 0 ? r : registries_resolve(&conf, name, ret, err);
}

/* What the policy says without a look into a registry: 1 the image is here, 0 ask. */
static int find_here(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                     struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    struct err e1 = {0};
    if (o->policy != PULL_MISSING && o->policy != PULL_NEVER)
        return 0;
    int r = image_find(e, o->name, &image, NULL, &e1);
    if (r == 0 && fits(e, &image, o->platform)) {
        strv_add(ret_ids, image.id);
        return 1;
    }
    if (r < 0 && (o->policy == PULL_NEVER || e1.kind != ERR_NOT_FOUND))
        return err_kind(err, e1.kind, r, "%s", e1.message);
    return o->policy == PULL_MISSING
               ? 0
               : err_kind(err, ERR_NOT_FOUND, -ENOENT, "%s: the image here is for another platform",
                          o->name);
}

static int pull_and_tell(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                         struct err *err)
{
    size_t before = ret_ids->len;
    int r = pull_candidates(e, o, ret_ids, err);
    for (size_t i = before; r == 0 && i < ret_ids->len; i++)
        event_image(&e->store, "pull", ret_ids->v[i], o->name);
    return r;
}

int content_pull_within(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                        struct err *err)
{
    int r = find_here(e, o, ret_ids, err);
    return r < 0 ? r : r > 0 ? 0 : pull_and_tell(e, o, ret_ids, err);
}

int content_pull(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                 struct err *err)
{
    struct sweep sweep;
    int r = find_here(e, o, ret_ids, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = sweep_begin(e, &sweep, err);
    if (r < 0)
        return r;
    r = pull_and_tell(e, o, ret_ids, err);
    sweep_end(e, &sweep, r);
    return r;
}
