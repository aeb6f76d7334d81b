/* SPDX-License-Identifier: Apache-2.0 */
/* wherry image prune: removes images that nobody needs. */
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "engine/image.h"

#include <stdio.h>

struct values {
    bool all, force;
    struct strv filters;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "All that no container uses, not only nameless ones"),
    OPT_LIST_ROW(0, "filter", values, filters, "KEY=VALUE",
                 "Only those that match (until, label and the filters of images)"),
    OPT_BOOL_ROW('f', "force", values, force, "Do not ask"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    bool go = v->force;
    uint64_t bytes;
    auto_strv ids = {0};
    struct image_prune_options o = {.all = v->all, .filters = &v->filters};
    int r = image_filters_check(o.filters, err);
    if (r == 0 && !go)
        r = confirm(v->all ? "WARNING! This command removes all images without at least one "
                             "container associated with them."
                           : "WARNING! This command removes all dangling images.",
                    &go, err);
    if (r == 0 && go)
        r = image_prune(in->engine, &o, &ids, &bytes, err);
    strv_foreach (&ids, id)
        puts(id);
    return r;
}

const struct command cmd_image_prune = {
    .name = "prune",
    .usage = "[options]",
    .summary = "Remove images that nobody needs",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
