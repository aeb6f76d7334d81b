/* SPDX-License-Identifier: Apache-2.0 */
/* wherry rmi: removes images. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "engine/image.h"

#include <stdio.h>

struct values {
    bool all, force, ignore, no_prune;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Remove all images"),
    OPT_BOOL_ROW('f', "force", values, force, "Remove containers that use the image, too"),
    OPT_BOOL_ROW('i', "ignore", values, ignore, "An image that does not exist is no error"),
    OPT_BOOL_ROW(0, "no-prune", values, no_prune, "Keep nameless images that it was made from"),
    {0},
};

static int all_ids(struct invocation *in, struct strv *ret, struct err *err)
{
    struct store_image *all = NULL;
    size_t n = 0;
    int r = store_image_list(&in->engine->store, &all, &n, err);
    for (size_t i = 0; i < n; i++)
        if (!all[i].lower && !strv_contains(ret, all[i].id))
            strv_add(ret, all[i].id);
    store_image_list_done(all, n);
    return r;
}

static int remove_one(struct invocation *in, const struct values *v, const char *name,
                      struct err *err)
{
    auto_done(image_remove_result) struct image_remove_result result = {0};
    struct image_remove_options o = {
        .force = v->force, .several = v->all, .keep_parents = v->no_prune};
    int r = image_remove(in->engine, name, &o, &result, err);
    if (r < 0)
        return r;
    strv_foreach (&result.untagged, untagged)
        printf("Untagged: %s\n", untagged);
    strv_foreach (&result.deleted, deleted)
        printf("Deleted: %s\n", deleted);
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    if (v->all == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->all ? "when using the --all switch, you may not pass any images names "
                                 "or IDs"
                               : "image name or ID must be specified");
    auto_strv names = {0};
    int result = v->all ? all_ids(in, &names, err) : 0;
    if (!v->all)
        strv_extend(&names, args);
    strv_foreach (&names, name) {
        struct err one = {0};
        int r = remove_one(in, v, name, &one);
        /* As podman: --force does not mind that there is nothing to remove; and with --all one that
         * went along with another is gone. */
        bool missing_ok = v->ignore || v->force || v->all;
        if (r == 0 || (missing_ok && one.kind == ERR_NOT_FOUND))
            continue;
        each_failed(r, &one, &result, err);
        err->status = one.kind == ERR_NOT_FOUND ? 1 : one.kind == ERR_IN_USE ? 2 : 0;
    }
    return result;
}

const struct command cmd_rmi = {
    .name = "rmi",
    .usage = "[options] IMAGE [IMAGE...]",
    .summary = "Remove one or more images",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
