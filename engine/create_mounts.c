/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a new container: options in, "Mounts" of config.json out. */
#include "engine/create_mounts.h"

#include "base/json.h"
#include "engine/mount_spec.h"

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

static int spec_object(struct engine *e, const struct mount_spec *spec, json_t **ret,
                       struct err *err)
{
    switch (spec->type) {
    case MOUNT_TYPE_BIND: return bind_object(spec, ret, err);
    case MOUNT_TYPE_TMPFS: *ret = mount_object(spec, "tmpfs"); return 0;
    case MOUNT_TYPE_VOLUME:
    case MOUNT_TYPE_IMAGE: break;
    }
    return err_kind(err, ERR_USAGE, -EINVAL, "%s: volumes and images cannot be mounted yet",
                    spec->target);
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

int create_mounts(struct engine *e, const struct create_mount_options *o,
                  const struct image_run_config *image, json_t **ret, struct err *err)
{
    auto_json json_t *mounts = json_array();
    int r = add_all(e, o->volumes, mount_spec_volume, mounts, err);
    if (r == 0)
        r = add_all(e, o->mounts, mount_spec_mount, mounts, err);
    if (r == 0)
        r = add_all(e, o->tmpfs, mount_spec_tmpfs, mounts, err);
    if (r == 0)
        *ret = take_ptr(mounts);
    return r;
}
