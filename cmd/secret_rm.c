/* SPDX-License-Identifier: Apache-2.0 */
/* wherry secret rm: removes secrets. */
#include "base/alloc.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "engine/events.h"
#include "store/secrets.h"

#include <stdio.h>

struct values {
    bool all, ignore;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Remove all secrets"),
    OPT_BOOL_ROW('i', "ignore", values, ignore, "A secret that does not exist is no error"),
    {0},
};

static int all_names(struct invocation *in, struct strv *ret, struct err *err)
{
    auto_json json_t *all = NULL;
    int r = store_secret_list(&in->engine->store, &all, err);
    for (size_t i = 0; i < json_array_size(all); i++)
        strv_add(ret, store_secret_name(json_array_get(all, i)));
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    if (v->all == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->all ? "`wherry secret rm --all` takes no arguments"
                               : "`wherry secret rm` requires at least 1 argument");
    int result = v->all ? all_names(in, &names, err) : 0;
    if (!v->all)
        strv_extend(&names, args);
    strv_foreach (&names, name) {
        auto_free char *id = NULL;
        struct err one = {0};
        int r = store_secret_remove(&in->engine->store, name, &id, &one);
        if (r == 0) {
            event_secret(&in->engine->store, "remove", id);
            puts(id);
        } else if (one.kind != ERR_NOT_FOUND || !(v->ignore || v->all)) {
            each_failed(r, &one, &result, err);
        }
    }
    return result;
}

const struct command cmd_secret_rm = {
    .name = "rm",
    .usage = "[options] SECRET [SECRET...]",
    .summary = "Remove secrets",
    .details = "Containers that have one keep it.",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
