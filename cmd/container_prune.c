/* SPDX-License-Identifier: Apache-2.0 */
/* wherry container prune: removes containers that do not run. */
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "engine/prune.h"

#include <stdio.h>

struct values {
    bool force;
    struct strv filters;
};

static const struct opt opts[] = {
    OPT_LIST_ROW(0, "filter", values, filters, "KEY=VALUE",
                 "Only those that match (until, label, label!)"),
    OPT_BOOL_ROW('f', "force", values, force, "Do not ask"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(prune_result) struct prune_result result = {0};
    struct prune_options o = {.filters = &v->filters};
    bool go = v->force;
    int r = prune_check_filters(&v->filters, err);
    if (r == 0 && !go)
        r = confirm("WARNING! This will remove all non running containers.", &go, err);
    if (r == 0 && go)
        r = prune_containers(in->engine, &o, &result, err);
    strv_foreach (&result.containers, id)
        puts(id);
    return r;
}

const struct command cmd_container_prune = {
    .name = "prune",
    .usage = "[options]",
    .summary = "Remove all containers that do not run",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
