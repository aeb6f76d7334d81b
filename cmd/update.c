/* SPDX-License-Identifier: Apache-2.0 */
/* wherry update: changes what can be changed of a container that is there. */
#include "engine/update.h"

#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/resource_options.h"
#include "engine/restart_policy.h"

#include <stdio.h>

struct values {
    struct resource_options resources;
    char *restart;
};

static const struct opt opts[] = {
    RESOURCE_OPTION_ROWS(values),
    OPT_STRING_ROW(0, "restart", values, restart, "POLICY",
                   "Start it again when it ends: no, always, unless-stopped, on-failure[:TIMES]"),
    {0},
};

static bool anything_given(const struct opt_result *res)
{
    uint64_t given = 0;
    for (size_t i = 0; i < sizeof(res->given) / sizeof(*res->given); i++)
        given |= res->given[i];
    return given != 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *policy = NULL;
    auto_done(store_container) struct store_container c = {0};
    if (!anything_given(in->res))
        return err_kind(err, ERR_USAGE, -EINVAL, "nothing to change: give an option");
    int r = v->restart ? restart_policy_parse(v->restart, &policy, err) : 0;
    if (r == 0)
        r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r == 0)
        r = container_update(in->engine, &c,
                             &(struct update){.policy = policy, .resources = &v->resources}, err);
    if (r == 0)
        puts(c.id);
    return r;
}

const struct command cmd_update = {
    .name = "update",
    .usage = "[options] CONTAINER",
    .summary = "Change a container's limits and restart policy",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
