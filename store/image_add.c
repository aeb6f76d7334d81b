/* SPDX-License-Identifier: Apache-2.0 */
/* A new image in the store: configuration, manifest, entry in index.json. */
#include "store/content.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/hash.h"
#include "spec/reference.h"
#include "store/internal.h"

#include <string.h>

static int publish_text(struct staging *st, const char *text, size_t len,
                        char ret_digest[static 72], struct err *err)
{
    int r = digest_of(text, len, ret_digest, err);
    if (r == 0)
        r = file_write_at(st->fd, "text", text, len, 0600, FILE_SYNC, err);
    if (r == 0)
        r = store_blob_publish(st, "text", ret_digest, err);
    return r;
}

/* Claims every layer, so that none goes away before the image is listed. */
static int add_layers(struct store *s, const struct image_config *config, struct manifest *m,
                      struct err *err)
{
    m->layers = xcalloc(config->diff_ids.len, sizeof(*m->layers));
    for (size_t i = 0; i < config->diff_ids.len; i++) {
        const char *id = config->diff_ids.v[i];
        int64_t size = 0;
        int r = store_blob_claim(s, id, err);
        if (r == 0)
            r = store_layer_size(s, id, &size, err);
        if (r < 0)
            return err ? err_wrap(err, "layer") : r;
        m->layers[m->n_layers++] = (struct descriptor){
            .media_type = xstrdup(MEDIA_OCI_LAYER), .digest = xstrdup(id), .size = size};
    }
    return 0;
}

static int list_image(struct store *s, const char *digest, int64_t size,
                      const struct content_image *image, struct store_image *ret, struct err *err)
{
    auto_json json_t *index = NULL;
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    int r = store_index_read(s, &index, err);
    if (r < 0)
        return r;
    store_index_add(index, digest, size, NULL);
    for (size_t i = 0; image->names && i < image->names->len; i++) {
        const char *name = image->names->v[i];
        store_index_drop_name(index, name);
        store_index_add(index, digest, size, name);
        if (image->origin)
            store_index_set_origin(index, name, image->origin);
    }
    auto_done(store_image) struct store_image img = {0};
    r = store_image_load(s, index, digest, &img, err);
    if (r == 0)
        r = store_index_write(s, index, err);
    if (r < 0)
        return r;
    *ret = img;
    img = (struct store_image){0};
    return 0;
}

static int check_names(const struct strv *names, struct err *err)
{
    for (size_t i = 0; names && i < names->len; i++) {
        int r = store_check_full_name(names->v[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static char *manifest_text(const struct manifest *m, bool docker)
{
    struct manifest form = *m;
    auto_json json_t *annotations = docker ? json_object() : NULL;
    if (docker)
        json_put_string(annotations, ANNOTATION_TYPE, MEDIA_DOCKER_MANIFEST);
    form.annotations = annotations;
    auto_json json_t *json = manifest_json(&form);
    return json_text(json);
}

static bool is_listed(struct store *s, const char *digest)
{
    for (size_t i = 0; i <= s->n_lowers; i++) {
        auto_json json_t *index = NULL;
        struct store_place place = store_place(s, i);
        if (store_index_read_place(&place, &index, NULL) == 0 && store_index_has(index, digest))
            return true;
    }
    return false;
}

/* An image that is there already keeps the form that it has: an id is listed once. */
static char *choose_manifest(struct store *s, const struct manifest *m, bool docker)
{
    auto_free char *other = manifest_text(m, !docker);
    char digest[72];
    if (digest_of(other, strlen(other), digest, NULL) == 0 && is_listed(s, digest))
        return take_ptr(other);
    return manifest_text(m, docker);
}

int content_image_store(struct store *s, const struct content_image *image, struct store_image *ret,
                        struct err *err)
{
    auto_done(staging) struct staging st = {.store = s, .fd = -1, .lock = -1};
    auto_done(image_config) struct image_config config = {0};
    auto_done(manifest) struct manifest m = {0};
    auto_json json_t *config_json = NULL;
    char digest[72];
    int r = json_parse(image->config, image->config_len, &config_json, err);
    if (r == 0)
        r = image_config_parse(config_json, &config, err);
    if (r < 0)
        return err ? err_wrap(err, "image configuration") : r;
    r = check_names(image->names, err);
    if (r == 0)
        r = add_layers(s, &config, &m, err);
    if (r == 0)
        r = store_staging_make(s, &st, err);
    if (r == 0)
        r = publish_text(&st, image->config, image->config_len, digest, err);
    if (r < 0)
        return r;
    m.config = (struct descriptor){.media_type = xstrdup(MEDIA_OCI_CONFIG),
                                   .digest = xstrdup(digest),
                                   .size = (int64_t)image->config_len};
    auto_free char *text = choose_manifest(s, &m, image->docker);
    r = publish_text(&st, text, strlen(text), digest, err);
    return r < 0 ? r : list_image(s, digest, (int64_t)strlen(text), image, ret, err);
}

int content_image_add(struct store *s, const struct image_config *config, const struct strv *names,
                      struct store_image *ret, struct err *err)
{
    auto_json json_t *json = image_config_json(config);
    auto_free char *text = json_text(json);
    struct content_image image = {.config = text, .config_len = strlen(text), .names = names};
    return content_image_store(s, &image, ret, err);
}
