/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the engine. */
#include "engine/engine.h"

#include "base/file.h"
#include "runtime/userns_run.h"

struct tree {
    int dirfd;
    const char *path;
};

static int remove_tree(void *arg, struct err *err)
{
    const struct tree *t = arg;
    return remove_tree_at(t->dirfd, t->path, err);
}

/* What a container's users made in a volume belongs to subordinate ids of ours: in a user namespace
 * that has them, root may remove it. */
static int remove_foreign(int dirfd, const char *path, struct err *err)
{
    struct tree tree = {dirfd, path};
    struct id_maps maps = {0};
    int r = id_maps_choose(&maps, err);
    return r < 0 ? r : userns_run(&maps, remove_tree, &tree, err);
}

int engine_open(const struct engine_options *o, struct engine *ret, struct err *err)
{
    struct store_options so = {
        .root = o->root, .runroot = o->runroot, .image_stores = o->image_stores};
    int r = store_open(&so, &ret->store, err);
    if (r == 0)
        ret->store.remove_foreign = remove_foreign;
    ret->name_candidates = o->name_candidates;
    return r;
}

void engine_close(struct engine *e)
{
    store_close(&e->store);
}
