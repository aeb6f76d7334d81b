/* SPDX-License-Identifier: Apache-2.0 */
/* wherry restart: stops containers and starts them again. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/life.h"

#include <stdio.h>

struct values {
    struct select_values select;
    bool running;
    int64_t time;
};

static const struct opt opts[] = {
    SELECT_ALL_ROW("Restart all containers, whether they run or not"),
    SELECT_CIDFILE_ROW,
    SELECT_FILTER_ROW('f'),
    SELECT_LATEST_ROW,
    OPT_BOOL_ROW(0, "running", values, running, "Restart all that run"),
    OPT_INT_ROW('t', "time", values, time, "SECONDS",
                "Seconds from the stop signal to the kill (default: the container's)"),
    {0},
};

static int restart_one(struct invocation *in, struct store_container *c, const char *name,
                       void *arg, struct err *err)
{
    int r = container_restart(in->engine, c, *(const int64_t *)arg, err);
    if (r == 0)
        puts(name);
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    struct values *v = values;
    bool given = opt_given(in->table, in->res, "time");
    if (given && v->time < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "--time must not be negative");
    int64_t timeout = given ? v->time : -1;
    v->select.all |= v->running;
    auto_strv names = {0};
    int r = select_containers(in, &v->select, args, v->running ? CONTAINER_UP : ~0u, false, &names,
                              err);
    return r < 0 ? r : each_container(in, &names, false, restart_one, &timeout, err);
}

const struct command cmd_restart = {
    .name = "restart",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Restart one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
