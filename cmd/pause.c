/* SPDX-License-Identifier: Apache-2.0 */
/* wherry pause, wherry unpause: stops the processes of containers, and lets them go on. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/life.h"

#include <stdio.h>

struct values {
    struct select_values select;
};

static const struct opt pause_opts[] = {
    SELECT_ALL_ROW("All that are running"),
    SELECT_CIDFILE_ROW,
    SELECT_FILTER_ROW('f'),
    SELECT_LATEST_ROW,
    {0},
};

static const struct opt unpause_opts[] = {
    SELECT_ALL_ROW("All that are paused"),
    SELECT_CIDFILE_ROW,
    SELECT_FILTER_ROW('f'),
    SELECT_LATEST_ROW,
    {0},
};

/* `arg`: whether they are to stop. */
static int one(struct invocation *in, struct store_container *c, const char *name, void *arg,
               struct err *err)
{
    int r = container_pause(in->engine, c, *(const bool *)arg, err);
    if (r == 0)
        puts(name);
    return r;
}

static int run(struct invocation *in, const struct values *v, struct strv *args, bool stop,
               struct err *err)
{
    auto_strv names = {0};
    int which = STATUS_BIT(stop ? CONTAINER_RUNNING : CONTAINER_PAUSED);
    int r = select_containers(in, &v->select, args, which, false, &names, err);
    return r < 0 ? r : each_container(in, &names, false, one, &stop, err);
}

static int run_pause(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return run(in, values, args, true, err);
}

static int run_unpause(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return run(in, values, args, false, err);
}

const struct command cmd_pause = {
    .name = "pause",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Stop all processes of containers for a while",
    .opts = pause_opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run_pause,
};

const struct command cmd_unpause = {
    .name = "unpause",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Let the processes of paused containers go on",
    .opts = unpause_opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run_unpause,
};
