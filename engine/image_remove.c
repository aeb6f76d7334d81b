/* SPDX-License-Identifier: Apache-2.0 */
/* `rmi` and the names that `tag` and -t give. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/container.h"
#include "spec/reference.h"

#include <string.h>

void image_remove_result_done(struct image_remove_result *r)
{
    strv_done(&r->untagged);
    free(r->deleted);
    *r = (struct image_remove_result){0};
}

int image_full_name(const char *name, char **ret, struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(name, &ref, err);
    if (r < 0)
        return r;
    if (ref.digest)
        return err_kind(err, ERR_USAGE, -EINVAL, "%s: a name to give cannot have a digest", name);
    *ret = image_ref_string(&ref);
    return 0;
}

/* Which of the image's names `asked` stands for; NULL when it was asked for by id. */
static const char *name_meant(const struct store_image *image, const char *asked)
{
    auto_done(image_ref) struct image_ref ref = {0};
    if (image_ref_parse(asked, &ref, NULL) < 0)
        return NULL;
    auto_free char *full = image_ref_string(&ref);
    auto_free char *local = xasprintf("localhost/%s", asked);
    auto_free char *local_latest = xasprintf("localhost/%s:latest", asked);
    for (size_t i = 0; i < image->names.len; i++)
        if (strcmp(image->names.v[i], full) == 0 || strcmp(image->names.v[i], local) == 0 ||
            strcmp(image->names.v[i], local_latest) == 0)
            return image->names.v[i];
    return NULL;
}

static int remove_users(struct engine *e, const struct strv *ids, struct err *err)
{
    for (size_t i = 0; i < ids->len; i++) {
        auto_done(store_container) struct store_container c = {0};
        int r = store_container_find(&e->store, ids->v[i], &c, err);
        if (r == 0)
            r = container_remove(e, &c, true, 0, err);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

struct removal {
    struct engine *engine;
    const struct store_image *image;
};

/* Asked by the store when nobody can make a container of the image. */
static int check_unused(void *arg, struct err *err)
{
    const struct removal *r = arg;
    auto_strv users = {0};
    int q = container_users_of_image(r->engine, r->image->id, &users, err);
    if (q < 0 || users.len == 0)
        return q;
    auto_free char *list = strv_join(&users, ", ");
    return err_kind(err, ERR_IN_USE, -EBUSY,
                    "image %.*s is in use by container %s: remove it first, or use --force",
                    ID_SHORT_LEN, r->image->id, list);
}

static int remove_whole(struct engine *e, const struct store_image *image, bool force,
                        struct image_remove_result *ret, struct err *err)
{
    auto_strv users = {0};
    struct removal removal = {.engine = e, .image = image};
    int r = force ? container_users_of_image(e, image->id, &users, err) : 0;
    if (r == 0)
        r = remove_users(e, &users, err);
    if (r == 0)
        r = store_image_remove(&e->store, image, check_unused, &removal, err);
    if (r < 0)
        return r;
    strv_extend(&ret->untagged, &image->names);
    ret->deleted = xstrdup(image->id);
    return 0;
}

int image_remove(struct engine *e, const char *name, bool force, struct image_remove_result *ret,
                 struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = store_image_find(&e->store, name, &image, err);
    if (r < 0)
        return r;
    const char *meant = name_meant(&image, name);
    if (!meant && image.names.len > 1 && !force)
        return err_kind(err, ERR_IN_USE, -EBUSY,
                        "unable to delete image %s by ID with more than one tag: use --force",
                        image.id);
    if (!meant || image.names.len == 1)
        return remove_whole(e, &image, force, ret, err);
    r = store_image_untag(&e->store, &image, meant, err);
    if (r == 0)
        strv_add(&ret->untagged, meant);
    return r;
}
