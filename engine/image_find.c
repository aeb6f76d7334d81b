/* SPDX-License-Identifier: Apache-2.0 */
/* Images by what a user calls them.
 *
 * registries.conf is asked last: reading it takes a parser that only wherry-image has, and nearly
 * every name is found without. */
#include "engine/image_find.h"

#include "base/alloc.h"
#include "spec/reference.h"

#include <string.h>

/* The image's name that is `asked` written out, or of localhost. */
static const char *same_name(const struct store_image *image, const char *asked)
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

/* What registries.conf makes of a short name; of any other, nothing. A file that cannot be read is
 * for those to report who go to a registry. */
static void candidates(struct engine *e, const char *name, struct strv *ret)
{
    auto_done(image_ref) struct image_ref ref = {0};
    if (e->name_candidates && image_ref_parse(name, &ref, NULL) == 0 && ref.short_name)
        e->name_candidates(e->registries_conf, name, ret, NULL);
}

int image_find(struct engine *e, const char *name, struct store_image *ret, const char **ret_meant,
               struct err *err)
{
    auto_strv names = {0};
    struct err first = {0};
    int r = store_image_find(&e->store, name, ret, &first);
    if (r == 0 && ret_meant)
        *ret_meant = same_name(ret, name);
    if (r < 0 && first.kind == ERR_NOT_FOUND)
        candidates(e, name, &names);
    for (size_t i = 0; r < 0 && i < names.len; i++) {
        r = store_image_find(&e->store, names.v[i], ret, NULL);
        if (r == 0 && ret_meant)
            *ret_meant = same_name(ret, names.v[i]);
    }
    if (r < 0 && err)
        *err = first;
    return r;
}

const char *image_name_meant(struct engine *e, const struct store_image *image, const char *asked)
{
    auto_strv names = {0};
    const char *meant = same_name(image, asked);
    if (!meant)
        candidates(e, asked, &names);
    for (size_t i = 0; !meant && i < names.len; i++)
        meant = same_name(image, names.v[i]);
    return meant;
}
