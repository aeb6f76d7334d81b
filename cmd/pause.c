/* SPDX-License-Identifier: Apache-2.0 */
/* wherry pause: stops the processes of containers. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/life.h"

#include <stdio.h>

struct values {
    struct select_values select;
};

static const struct opt opts[] = {
    SELECT_ALL_ROW("All that are running"),
    SELECT_CIDFILE_ROW,
    SELECT_FILTER_ROW('f'),
    SELECT_LATEST_ROW,
    {0},
};

static int pause_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                     struct err *err)
{
    int r = container_pause(in->engine, c, true, err);
    if (r == 0)
        puts(name);
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    int r =
        select_containers(in, &v->select, args, STATUS_BIT(CONTAINER_RUNNING), false, &names, err);
    return r < 0 ? r : each_container(in, &names, false, pause_one, NULL, err);
}

const struct command cmd_pause = {
    .name = "pause",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Stop all processes of containers for a while",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
