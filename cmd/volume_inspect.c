/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume inspect: all that is known of volumes, as JSON. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/list.h"
#include "engine/volume.h"

#include <stdio.h>

struct values {
    bool all;
    char *format;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Show all volumes"),
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template"),
    {0},
};

/* What was found is printed even when something else was not. */
static int inspect_each(struct invocation *in, const struct strv *names, json_t *found,
                        struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < names->len; i++) {
        json_t *one = NULL;
        struct err failed = {0};
        int r = volume_inspect(in->engine, names->v[i], &one, &failed);
        if (r == 0) {
            json_array_append_new(found, one);
            continue;
        }
        each_failed(r, &failed, &result, err);
        if (failed.kind == ERR_NOT_FOUND)
            err_set(err, r, "inspecting object: no such volume %s", names->v[i]);
    }
    return result;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *found = NULL;
    if (v->all == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->all ? "cannot inspect all volumes and named ones at once"
                               : "volume name or --all must be given");
    int r = 0;
    if (v->all) {
        r = volume_list(in->engine, NULL, &found, err);
        return r < 0 ? r : inspect_print(stdout, found, v->format, err);
    }
    found = json_array();
    r = inspect_each(in, args, found, err);
    return inspect_print_found(found, v->format, r, err);
}

const struct command cmd_volume_inspect = {
    .name = "inspect",
    .usage = "[options] VOLUME [VOLUME...]",
    .summary = "Show all that is known of volumes",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
