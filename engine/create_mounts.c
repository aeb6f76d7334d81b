/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a new container: options in, "Mounts" of config.json out. */
#include "engine/create_mounts.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "base/safepath.h"
#include "engine/image_find.h"
#include "engine/mount_spec.h"
#include "engine/volume.h"

#include <errno.h>
#include <string.h>

static bool has_destination(const json_t *mounts, const char *path)
{
    size_t i;
    json_t *m;
    json_array_foreach ((json_t *)mounts, i, m)
        if (strcmp(json_get_string(m, "Destination", ""), path) == 0)
            return true;
    return false;
}

/* What all kinds of mounts have, as `inspect` shows it. */
static json_t *mount_object(const struct mount_spec *spec, const char *type)
{
    json_t *m = json_object();
    json_put_string(m, "Type", type);
    json_put_string(m, "Destination", spec->target);
    json_put_string(m, "Driver", "");
    json_put_string(m, "Mode", spec->label ? spec->label : "");
    json_put(m, "Options", json_from_strv(&spec->options));
    json_put(m, "RW", json_boolean(!spec->read_only));
    json_put_string(m, "Propagation", spec->propagation ? spec->propagation : "");
    json_put_string(m, "SubPath", spec->subpath);
    return m;
}

/* Links are resolved here, once: when it is mounted, a link in the path is refused. */
static int bind_object(const struct mount_spec *spec, json_t **ret, struct err *err)
{
    auto_free char *source = realpath(spec->source, NULL);
    if (!source)
        return err_errno(err, -errno, "statfs %s", spec->source);
    *ret = mount_object(spec, "bind");
    json_put_string(*ret, "Source", source);
    return 0;
}

/* Of a volume only the name is kept, so that the store can be moved. */
static int volume_object(const struct mount_spec *spec, json_t **ret, struct err *err)
{
    char id[ID_HEX_LEN + 1];
    if (spec->source && !store_volume_name_valid(spec->source))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "creating named volume \"%s\": names must match "
                        "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
                        spec->source);
    id_random(id);
    *ret = mount_object(spec, "volume");
    json_put_string(*ret, "Driver", "local");
    json_put_string(*ret, "Name", spec->source ? spec->source : id);
    if (!spec->source)
        json_put(*ret, "Anonymous", json_true());
    return 0;
}

/* The layers are what counts, whatever becomes of the name. */
static int image_object(struct engine *e, const struct mount_spec *spec, json_t **ret,
                        struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = image_find(e, spec->source, &image, NULL, err);
    if (r < 0)
        return r;
    if (image.layers.len == 0)
        return err_set(err, -EINVAL, "image %s has no layer to mount", spec->source);
    *ret = mount_object(spec, "image");
    json_put_string(*ret, "Source", spec->source);
    json_put_string(*ret, "ImageID", image.id);
    json_put(*ret, "Layers", json_from_strv(&image.layers));
    return 0;
}

static int spec_object(struct engine *e, const struct mount_spec *spec, json_t **ret,
                       struct err *err)
{
    switch (spec->type) {
    case MOUNT_TYPE_BIND: return bind_object(spec, ret, err);
    case MOUNT_TYPE_TMPFS: *ret = mount_object(spec, "tmpfs"); return 0;
    case MOUNT_TYPE_VOLUME: return volume_object(spec, ret, err);
    case MOUNT_TYPE_IMAGE: return image_object(e, spec, ret, err);
    }
    return 0;
}

static int add_all(struct engine *e, const struct strv *texts,
                   int (*parse)(const char *text, struct mount_spec *ret, struct err *err),
                   json_t *mounts, struct err *err)
{
    for (size_t i = 0; texts && i < texts->len; i++) {
        auto_done(mount_spec) struct mount_spec spec = {0};
        json_t *m = NULL;
        int r = parse(texts->v[i], &spec, err);
        if (r == 0 && has_destination(mounts, spec.target))
            r = err_kind(err, ERR_USAGE, -EINVAL, "%s: duplicate mount destination", spec.target);
        if (r == 0)
            r = spec_object(e, &spec, &m, err);
        if (r < 0)
            return r;
        json_array_append_new(mounts, m);
    }
    return 0;
}

/* --- --volumes-from ------------------------------------------------------------------------- */

/* What --volumes-from takes: "ro", "rw", "z". */
static int take_options(const char *text, bool *ret_read_only, struct err *err)
{
    auto_strv options = {0};
    strv_split(&options, text, ',');
    strv_foreach (&options, o) {
        if (strcmp(o, "ro") == 0)
            *ret_read_only = true;
        else if (strcmp(o, "rw") != 0 && strcmp(o, "z") != 0)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "invalid options \"%s\", can only specify 'ro', 'rw', and 'z'", text);
    }
    return 0;
}

static void take_mounts(const json_t *from, bool read_only, json_t *mounts)
{
    size_t i;
    json_t *m;
    json_array_foreach ((json_t *)from, i, m) {
        const char *type = json_get_string(m, "Type", "");
        bool wanted = strcmp(type, "bind") == 0 || strcmp(type, "volume") == 0;
        if (!wanted || has_destination(mounts, json_get_string(m, "Destination", "")))
            continue;
        json_t *copy = json_deep_copy(m);
        if (read_only)
            json_put(copy, "RW", json_false());
        json_array_append_new(mounts, copy);
    }
}

static int add_from(struct engine *e, const char *text, json_t *mounts, struct err *err)
{
    const char *colon = strchrnul(text, ':');
    auto_free char *name = xstrndup(text, (size_t)(colon - text));
    auto_done(store_container) struct store_container c = {.fd = -1};
    bool read_only = false;
    int r = *colon ? take_options(colon + 1, &read_only, err) : 0;
    if (r < 0)
        return r;
    r = store_container_find(&e->store, name, &c, err);
    if (r < 0)
        return err_wrap(err, "looking up container \"%s\" for volumes-from", name);
    take_mounts(json_object_get(c.config, "Mounts"), read_only, mounts);
    return 0;
}

/* --- VOLUME --------------------------------------------------------------------------------- */

/* Over these an image may put nothing: they are the sandbox's (CVE-2025-52881). */
static bool is_ours(const char *path)
{
    return path_is_within(path, "/proc") || path_is_within(path, "/sys") ||
           path_is_within(path, "/dev");
}

static int add_image_volume(const char *text, const char *how, json_t *mounts, struct err *err)
{
    auto_free char *absolute = xasprintf("/%s", text), *path = path_clean(absolute);
    auto_done(mount_spec) struct mount_spec spec = {0};
    json_t *m = NULL;
    if (has_destination(mounts, path))
        return 0;
    if (is_ours(path))
        return err_set(err, -EPERM,
                       "the image wants a volume at %s, which is not its to cover (see "
                       "--image-volume=ignore)",
                       path);
    bool tmpfs = strcmp(how, "tmpfs") == 0;
    int r = mount_spec_of_image(path, tmpfs, &spec, err);
    if (r < 0)
        return err_wrap(err, "a volume of the image");
    if (tmpfs)
        m = mount_object(&spec, "tmpfs");
    else
        r = volume_object(&spec, &m, err);
    if (m)
        json_array_append_new(mounts, m);
    return r;
}

/* --- the whole ------------------------------------------------------------------------------ */

int create_mounts_volumes(struct engine *e, const json_t *container, struct err *err)
{
    bool transient =
        json_is_true(json_object_get(json_object_get(container, "HostConfig"), "AutoRemove"));
    size_t i;
    json_t *m;
    json_array_foreach (json_object_get(container, "Mounts"), i, m) {
        auto_done(store_volume) struct store_volume v = {.fd = -1};
        auto_free char *name = NULL;
        struct err failed = {0};
        if (strcmp(json_get_string(m, "Type", ""), "volume") != 0)
            continue;
        struct volume_create_options o = {
            .name = json_get_string(m, "Name", ""),
            .anonymous = json_is_true(json_object_get(m, "Anonymous")),
        };
        o.durable = !o.anonymous || !transient; /* else it goes with the container */
        int r = store_volume_open(&e->store, o.name, &v, &failed);
        if (r < 0 && failed.kind == ERR_NOT_FOUND)
            r = volume_create(e, &o, &name, &failed);
        if (r < 0 && failed.kind != ERR_EXISTS) { /* else another run made it */
            if (err)
                *err = failed;
            return r;
        }
    }
    return 0;
}

int create_mounts(struct engine *e, const struct create_mount_options *o,
                  const struct image_run_config *image, json_t **ret, struct err *err)
{
    auto_json json_t *mounts = json_array();
    int r = add_all(e, o->volumes, mount_spec_volume, mounts, err);
    if (r == 0)
        r = add_all(e, o->mounts, mount_spec_mount, mounts, err);
    if (r == 0)
        r = add_all(e, o->tmpfs, mount_spec_tmpfs, mounts, err);
    for (size_t i = 0; o->volumes_from && i < o->volumes_from->len && r == 0; i++)
        r = add_from(e, o->volumes_from->v[i], mounts, err);
    const char *how = o->image_volume ? o->image_volume : "anonymous";
    for (size_t i = 0; i < image->volumes.len && strcmp(how, "ignore") != 0 && r == 0; i++)
        r = add_image_volume(image->volumes.v[i], how, mounts, err);
    if (r == 0)
        *ret = take_ptr(mounts);
    return r;
}
