/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume rm: removes volumes. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "engine/volume.h"

#include <stdio.h>

struct values {
    bool all, force;
    int64_t time;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Remove all volumes"),
    OPT_BOOL_ROW('f', "force", values, force,
                 "Remove containers that have it, too; a missing one is no error"),
    OPT_INT_ROW('t', "time", values, time, "SECONDS",
                "With --force: seconds from the stop signal to the kill (default 0)"),
    {0},
};

static int all_names(struct invocation *in, struct strv *ret, struct err *err)
{
    auto_json json_t *rows = NULL;
    int r = volume_list(in->engine, NULL, &rows, err);
    for (size_t i = 0; i < json_array_size(rows); i++)
        strv_add(ret, json_get_string(json_array_get(rows, i), "Name", ""));
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    if (v->all == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->all ? "--all takes no further arguments"
                               : "choose either one or more volumes or all");
    if (opt_given(in->table, in->res, "time") && (v->time < 0 || !v->force))
        return err_kind(err, ERR_USAGE, -EINVAL, "--time goes with --force and is not negative");
    int result = v->all ? all_names(in, &names, err) : 0;
    if (!v->all)
        strv_extend(&names, args);
    strv_foreach (&names, name) {
        struct err one = {0};
        int r = volume_remove(in->engine, name, v->force, v->time, &one);
        if (r == 0)
            puts(name);
        if (r == 0 || ((v->force || v->all) && one.kind == ERR_NOT_FOUND))
            continue;
        each_failed(r, &one, &result, err);
        err->status = one.kind == ERR_NOT_FOUND ? 1 : one.kind == ERR_IN_USE ? 2 : 0;
    }
    return result;
}

const struct command cmd_volume_rm = {
    .name = "rm",
    .usage = "[options] VOLUME [VOLUME...]",
    .summary = "Remove volumes",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
