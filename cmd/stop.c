/* SPDX-License-Identifier: Apache-2.0 */
/* wherry stop: ends running containers. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/container.h"

#include <stdio.h>

struct values {
    struct select_values select;
    bool ignore;
    int64_t time;
};

static const struct opt opts[] = {
    SELECT_ALL_ROW("Stop all running containers"),
    SELECT_CIDFILE_ROW,
    SELECT_FILTER_ROW('f'),
    OPT_BOOL_ROW('i', "ignore", values, ignore, "A container that does not exist is no error"),
    SELECT_LATEST_ROW,
    OPT_INT_ROW('t', "time", values, time, "SECONDS",
                "Seconds from the stop signal to the kill (default: the container's)"),
    {0},
};

static int stop_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                    struct err *err)
{
    int64_t timeout = *(int64_t *)arg;
    int r = container_stop(in->engine, c, timeout, err);
    if (r == 0)
        puts(name);
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    bool given = opt_given(in->table, in->res, "time");
    if (given && v->time < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "--time must not be negative");
    int64_t timeout = given ? v->time : -1;
    auto_strv names = {0};
    int r = select_containers(in, &v->select, args, CONTAINER_UP, v->ignore, &names, err);
    return r < 0 ? r : each_container(in, &names, v->ignore, stop_one, &timeout, err);
}

const struct command cmd_stop = {
    .name = "stop",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Stop one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
