/* SPDX-License-Identifier: Apache-2.0 */
/* `inspect` and `history` of an image, in podman's form. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/image_family.h"
#include "spec/digest.h"
#include "spec/reference.h"

#include <string.h>

/* As the registry calls it that the image came from. */
static json_t *origin_digest(const struct store_image *image)
{
    return json_sprintf("%.*s", DIGEST_LEN,
                        image->origins.len ? image->origins.v[0] : image->digest);
}

json_t *image_repo_digests(const struct store_image *image)
{
    json_t *all = json_array();
    for (size_t i = 0; i < image->names.len; i++) {
        auto_done(image_ref) struct image_ref ref = {0};
        if (image_ref_parse(image->names.v[i], &ref, NULL) < 0)
            continue;
        auto_free char *repository = image_ref_repository(&ref);
        auto_strv digests = {0};
        strv_split(&digests, image->origins.v[i], ' ');
        strv_foreach (&digests, digest)
            json_array_append_new(all, json_sprintf("%s@%s", repository, digest));
    }
    return all;
}

int image_inspect(struct engine *e, const struct store_image *image, json_t **ret, struct err *err)
{
    auto_done(image_config) struct image_config config = {0};
    auto_json json_t *raw = NULL;
    int r = store_image_config(&e->store, image, &config, &raw, err);
    if (r < 0)
        return r;
    auto_free char *parent = image_parent_id(e, image);
    const json_t *run = json_object_get(raw, "config"), *history = json_object_get(raw, "history");
    json_t *o = json_object();
    json_put_string(o, "Id", image->id);
    json_put(o, "Digest", origin_digest(image));
    json_put(o, "RepoTags", json_from_strv(&image->names));
    json_put(o, "NamesHistory", json_from_strv(&image->names));
    json_put(o, "RepoDigests", image_repo_digests(image));
    json_put_string(o, "Parent", parent ? parent : "");
    json_put_string(o, "Comment",
                    config.n_history && config.history[config.n_history - 1].comment
                        ? config.history[config.n_history - 1].comment
                        : "");
    json_put_string(o, "Created", config.created ? config.created : "");
    json_put(o, "Config", run ? json_deep_copy(run) : json_object());
    json_put_string(o, "Version", "");
    json_put_string(o, "Author", config.author ? config.author : "");
    json_put_string(o, "Architecture", config.architecture);
    json_put_string(o, "Os", config.os);
    json_put(o, "Size", json_integer(image->size));
    json_put(o, "VirtualSize", json_integer(image->size));
    json_put(o, "GraphDriver", json_pack("{s:s, s:{}}", "Name", "overlay-fuse", "Data"));
    json_put(o, "RootFS",
             json_pack("{s:s, s:o}", "Type", "layers", "Layers", json_from_strv(&image->layers)));
    json_put(o, "Labels", json_deep_copy(config.run.labels));
    json_put(o, "Annotations", json_object());
    json_put_string(o, "ManifestType", image->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST);
    json_put_string(o, "User", config.run.user ? config.run.user : "");
    json_put(o, "History", history ? json_deep_copy(history) : json_array());
    *ret = o;
    return 0;
}

/* The layers of an image whose history is missing or does not match: one anonymous row each. */
static void rows_of_layers(struct engine *e, const struct store_image *image, json_t *rows)
{
    for (size_t i = image->layers.len; i > 0; i--) {
        int64_t size = 0;
        store_layer_size(&e->store, image->layers.v[i - 1], &size, NULL);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I, s:s, s:[]}", "Id", "<missing>",
                                              "Created", "", "CreatedBy", "", "Size",
                                              (json_int_t)size, "Comment", "", "Tags"));
    }
}

int image_history(struct engine *e, const struct store_image *image, json_t **ret, struct err *err)
{
    auto_done(image_config) struct image_config config = {0};
    int r = store_image_config(&e->store, image, &config, NULL, err);
    if (r < 0)
        return r;
    auto_json json_t *rows = json_array();
    size_t layer = image->layers.len;
    for (size_t i = config.n_history; i > 0; i--) {
        const struct image_history *h = &config.history[i - 1];
        int64_t size = 0;
        if (!h->empty_layer && layer > 0)
            r = store_layer_size(&e->store, image->layers.v[--layer], &size, err);
        if (r < 0)
            return r;
        bool newest = i == config.n_history;
        json_t *row = json_object();
        json_put_string(row, "Id", newest ? image->id : "<missing>");
        json_put_string(row, "Created", h->created ? h->created : "");
        json_put_string(row, "CreatedBy", h->created_by ? h->created_by : "");
        json_put(row, "Size", json_integer(size));
        json_put_string(row, "Comment", h->comment ? h->comment : "");
        json_put(row, "Tags", newest ? json_from_strv(&image->names) : json_array());
        json_array_append_new(rows, row);
    }
    if (config.n_history == 0)
        rows_of_layers(e, image, rows);
    *ret = take_ptr(rows);
    return 0;
}
