/* SPDX-License-Identifier: Apache-2.0 */
/* The image manifest: parse and print. */
#include "spec/image.h"

#include "base/alloc.h"
#include "base/json.h"
#include "spec/digest.h"
#include "spec/internal.h"
#include "spec/limits.h"

#include <stdlib.h>
#include <string.h>

void descriptor_done(struct descriptor *d)
{
    free(d->media_type);
    free(d->digest);
    *d = (struct descriptor){0};
}

void manifest_done(struct manifest *m)
{
    descriptor_done(&m->config);
    for (size_t i = 0; i < m->n_layers; i++)
        descriptor_done(&m->layers[i]);
    free(m->layers);
    json_decref(m->annotations);
    *m = (struct manifest){0};
}

int descriptor_parse(const json_t *j, const char *what, struct descriptor *ret, struct err *err)
{
    if (!json_is_object(j))
        return err_set(err, -EINVAL, "\"%s\" is not an object", what);
    ret->size = -1;
    int r = json_want_string(j, "mediaType", &ret->media_type, err);
    if (r == 0)
        r = json_want_string(j, "digest", &ret->digest, err);
    if (r == 0)
        r = json_want_int(j, "size", &ret->size, err);
    if (r < 0)
        return err ? err_wrap(err, "\"%s\"", what) : r;
    if (!ret->media_type)
        return err_set(err, -EINVAL, "\"%s\" has no mediaType", what);
    if (!digest_valid(ret->digest))
        return err_set(err, -EINVAL, "\"%s\" has no valid sha256 digest", what);
    if (ret->size < 0)
        return err_set(err, -EINVAL, "\"%s\" has no valid size", what);
    return 0;
}

/* A document that could be read as manifest and as index means different things to different
 * readers: refuse it. */
static int check_kind(const json_t *json, struct err *err)
{
    if (!json_is_object(json))
        return err_set(err, -EINVAL, "the manifest is not an object");
    auto_free char *type = NULL;
    int64_t version = 0;
    int r = json_want_int(json, "schemaVersion", &version, err);
    if (r == 0)
        r = json_want_string(json, "mediaType", &type, err);
    if (r < 0)
        return r;
    if (version != 2)
        return err_set(err, -EINVAL, "the manifest's schemaVersion is not 2");
    if (type && strcmp(type, MEDIA_OCI_MANIFEST) != 0 && strcmp(type, MEDIA_DOCKER_MANIFEST) != 0)
        return err_set(err, -EINVAL, "media type \"%.200s\" is not an image manifest's", type);
    if (json_object_get(json, "manifests"))
        return err_set(err, -EINVAL, "the manifest has \"manifests\", which only an index has");
    return 0;
}

static int parse_layers(const json_t *json, struct manifest *m, struct err *err)
{
    const json_t *layers = NULL;
    int r = json_want_array(json, "layers", &layers, err);
    if (r < 0)
        return r;
    if (!layers)
        return err_set(err, -EINVAL, "the manifest has no \"layers\"");
    size_t n = json_array_size(layers);
    if (n > SPEC_LAYERS_MAX)
        return err_set(err, -E2BIG, "the manifest has more than %d layers", SPEC_LAYERS_MAX);
    m->layers = xcalloc(n, sizeof(*m->layers));
    m->n_layers = n;
    for (size_t i = 0; i < n && r == 0; i++)
        r = descriptor_parse(json_array_get(layers, i), "layers", &m->layers[i], err);
    return r;
}

int manifest_parse(const json_t *json, struct manifest *ret, struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    const json_t *annotations = NULL;
    int r = check_kind(json, err);
    if (r == 0)
        r = descriptor_parse(json_object_get(json, "config"), "config", &m.config, err);
    if (r == 0)
        r = parse_layers(json, &m, err);
    if (r == 0)
        r = json_want_object(json, "annotations", &annotations, err);
    if (r < 0)
        return r;
    if (annotations)
        m.annotations = json_deep_copy(annotations);
    *ret = m;
    m = (struct manifest){0};
    return 0;
}

static json_t *descriptor_json(const struct descriptor *d)
{
    json_t *j = json_object();
    json_put_string(j, "mediaType", d->media_type);
    json_put_string(j, "digest", d->digest);
    json_put(j, "size", json_integer(d->size));
    return j;
}

bool manifest_is_docker(const struct manifest *m)
{
    return m->config.media_type && strcmp(m->config.media_type, MEDIA_DOCKER_CONFIG) == 0;
}

json_t *manifest_json(const struct manifest *m)
{
    json_t *j = json_object();
    json_put(j, "schemaVersion", json_integer(2));
    json_put_string(j, "mediaType", MEDIA_OCI_MANIFEST);
    json_put(j, "config", descriptor_json(&m->config));
    json_t *layers = json_array();
    for (size_t i = 0; i < m->n_layers; i++)
        json_array_append_new(layers, descriptor_json(&m->layers[i]));
    json_put(j, "layers", layers);
    if (m->annotations)
        json_put(j, "annotations", json_deep_copy(m->annotations));
    return j;
}
