/* SPDX-License-Identifier: Apache-2.0 */
/* wherry update: changes what can be changed of a container that is there. */
#include "base/json.h"
#include "cmd/commands.h"
#include "engine/life.h"
#include "engine/restart_policy.h"

#include <stdio.h>

struct values {
    char *restart;
};

static const struct opt opts[] = {
    OPT_STRING_ROW(0, "restart", values, restart, "POLICY",
                   "Start it again when it ends: no, always, unless-stopped, on-failure[:TIMES]"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *policy = NULL;
    auto_done(store_container) struct store_container c = {0};
    if (!v->restart)
        return err_kind(err, ERR_USAGE, -EINVAL, "nothing to change: give --restart");
    int r = restart_policy_parse(v->restart, &policy, err);
    if (r == 0)
        r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r == 0)
        r = container_update_restart(in->engine, &c, policy, err);
    if (r == 0)
        puts(c.id);
    return r;
}

const struct command cmd_update = {
    .name = "update",
    .usage = "[options] CONTAINER",
    .summary = "Change a container's restart policy",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
