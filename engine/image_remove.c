/* SPDX-License-Identifier: Apache-2.0 */
/* `rmi` and the names that `tag` and -t give. */
#include "engine/image.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/container.h"
#include "engine/events.h"
#include "engine/image_family.h"
#include "engine/image_find.h"
#include "engine/image_mount.h"
#include "spec/reference.h"

#include <string.h>

void image_remove_result_done(struct image_remove_result *r)
{
    strv_done(&r->untagged);
    strv_done(&r->deleted);
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

static int remove_users(struct engine *e, const struct strv *ids, struct err *err)
{
    for (size_t i = ids->len; i-- > 0;) { /* newest first: nothing depends on what came later */
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
    if (q == 0 && image_is_mounted(r->engine, r->image->id))
        return err_kind(err, ERR_IN_USE, -EBUSY,
                        "image %.*s is mounted: unmount it first, or use --force", ID_SHORT_LEN,
                        r->image->id);
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
    int r = force && !image->lower ? container_users_of_image(e, image->id, &users, err) : 0;
    bool was;
    if (r == 0 && force && !image->lower)
        r = image_unmount(e, image->id, true, &was, err);
    if (r == 0)
        r = remove_users(e, &users, err);
    if (r == 0)
        r = store_image_remove(&e->store, image, check_unused, &removal, err);
    if (r < 0)
        return r;
    strv_foreach ((struct strv *)&image->names, name)
        event_image(&e->store, "untag", image->id, name);
    event_image(&e->store, "remove", image->id, image->names.len ? image->names.v[0] : NULL);
    strv_extend(&ret->untagged, &image->names);
    strv_add(&ret->deleted, image->id);
    return 0;
}

/* Whether what `child` was made from has no other use than that. */
static bool goes_along(const struct image_family *f, size_t parent)
{
    return parent != NO_PARENT && f->all[parent].names.len == 0 && !f->all[parent].lower &&
           f->children[parent] == 1 && image_containers(f, parent) == 0;
}

static int remove_with_ancestors(struct engine *e, const struct store_image *image,
                                 const struct image_remove_options *o,
                                 struct image_remove_result *ret, struct err *err)
{
    auto_done(image_family) struct image_family f = {0};
    size_t i = 0;
    int r = o->keep_parents || image->lower ? 0 : image_family_load(e, false, &f, err);
    if (r == 0)
        r = remove_whole(e, image, o->force, ret, err);
    if (r < 0)
        return r;
    while (i < f.n && (f.all[i].lower || strcmp(f.all[i].digest, image->digest) != 0))
        i++;
    /* The image is gone: that something here is used after all, is no error. */
    while (i < f.n && goes_along(&f, f.parent[i])) {
        i = f.parent[i];
        if (remove_whole(e, &f.all[i], false, ret, NULL) < 0)
            break;
    }
    return 0;
}

int image_remove(struct engine *e, const char *name, const struct image_remove_options *o,
                 struct image_remove_result *ret, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    const char *meant = NULL;
    int r = image_find(e, name, &image, &meant, err);
    if (r < 0)
        return r;
    if (!meant && image.names.len > 1 && !o->force && !o->several) {
        auto_free char *names = strv_join(&image.names, " ");
        return err_set(err, -EBUSY,
                       "unable to delete image \"%s\" by ID with more than one tag ([%.500s]): "
                       "please force removal",
                       image.id, names);
    }
    if (!meant || image.names.len == 1)
        return remove_with_ancestors(e, &image, o, ret, err);
    r = store_image_untag(&e->store, &image, meant, err);
    if (r == 0) {
        event_image(&e->store, "untag", image.id, meant);
        strv_add(&ret->untagged, meant);
    }
    return r;
}

/* --- names ---------------------------------------------------------------------------------- */

/* The image's name that `asked` means: as it is written in full, or of localhost. */
static int name_to_take(struct engine *e, const struct store_image *image, const char *asked,
                        const char **ret, struct err *err)
{
    *ret = image_name_meant(e, image, asked);
    if (*ret)
        return 0;
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(asked, &ref, err);
    if (r < 0)
        return r;
    auto_free char *full = image_ref_string(&ref);
    return err_kind(err, ERR_NOT_FOUND, -ENOENT, "%s: tag not known", full);
}

int image_untag(struct engine *e, const char *name, const struct strv *names, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    auto_strv take = {0};
    int r = image_find(e, name, &image, NULL, err);
    for (size_t i = 0; r == 0 && i < names->len; i++) {
        const char *one = NULL;
        r = name_to_take(e, &image, names->v[i], &one, err);
        if (r == 0 && !strv_contains(&take, one))
            strv_add(&take, one);
    }
    if (r == 0 && names->len == 0)
        strv_extend(&take, &image.names);
    for (size_t i = 0; r == 0 && i < take.len; i++) {
        r = store_image_untag(&e->store, &image, take.v[i], err);
        if (r == 0)
            event_image(&e->store, "untag", image.id, take.v[i]);
    }
    return r;
}
