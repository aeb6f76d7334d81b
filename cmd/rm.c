/* SPDX-License-Identifier: Apache-2.0 */
/* wherry rm: removes containers. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/dependencies.h"
#include "engine/volume.h"

#include <stdio.h>

struct values {
    struct select_values select;
    bool depend, force, ignore, volumes;
    int64_t time;
};

static const struct opt opts[] = {
    SELECT_ALL_ROW("Remove all containers"),
    SELECT_CIDFILE_ROW,
    OPT_BOOL_ROW(0, "depend", values, depend, "Remove the containers that depend on it, too"),
    SELECT_FILTER_ROW(0),
    OPT_BOOL_ROW('f', "force", values, force, "Kill running ones; a missing one is no error"),
    OPT_BOOL_ROW('i', "ignore", values, ignore, "A container that does not exist is no error"),
    SELECT_LATEST_ROW,
    OPT_INT_ROW('t', "time", values, time, "SECONDS",
                "With --force: seconds from the stop signal to the kill (default 0)"),
    OPT_BOOL_ROW('v', "volumes", values, volumes,
                 "Remove the anonymous volumes that no other container has, too"),
    {0},
};

static int remove_alone(struct invocation *in, struct store_container *c, const char *name,
                        void *arg, struct err *err)
{
    const struct values *v = arg;
    int r = container_remove(in->engine, c, v->force, v->time, err);
    if (r == 0 && v->volumes)
        volumes_remove_anonymous(&in->engine->store, c->config);
    if (r == 0)
        puts(name);
    return r;
}

/* With --depend those that depend on it first; ones that were removed meanwhile are no error. */
static int remove_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                      struct err *err)
{
    const struct values *v = arg;
    auto_strv ids = {0};
    int r = v->depend ? dependents_all(&in->engine->store, c, &ids, err) : 0;
    if (r == 0)
        r = each_container(in, &ids, true, remove_alone, arg, err);
    return r < 0 ? r : remove_alone(in, c, name, arg, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    if (opt_given(in->table, in->res, "time") && (v->time < 0 || !v->force))
        return err_kind(err, ERR_USAGE, -EINVAL, "--time goes with --force and is not negative");
    auto_strv names = {0};
    int r = select_containers(in, &v->select, args, ~0u, v->ignore || v->force, &names, err);
    if (r < 0)
        return r;
    r = each_container(in, &names, v->ignore || v->force, remove_one, values, err);
    if (r < 0 && (err->kind == ERR_NOT_FOUND || err->kind == ERR_IN_USE)) {
        /* podman's: 1 for a missing one, 2 for one that runs */
        err->status = err->kind == ERR_NOT_FOUND ? 1 : 2;
    }
    return r;
}

const struct command cmd_rm = {
    .name = "rm",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Remove one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
