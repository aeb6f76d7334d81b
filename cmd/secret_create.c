/* SPDX-License-Identifier: Apache-2.0 */
/* wherry secret create: makes a secret of a file. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "engine/events.h"
#include "store/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
    struct strv labels;
    char *driver;
    bool env, replace;
};

static const struct opt opts[] = {
    OPT_CHOICE_ROW('d', "driver", values, driver, "DRIVER", "What keeps it: file", "file"),
    OPT_BOOL_ROW(0, "env", values, env, "The second argument names a variable of ours, not a file"),
    OPT_LIST_ROW('l', "label", values, labels, "NAME=VALUE", "Set a label on the secret"),
    OPT_BOOL_ROW(0, "replace", values, replace, "Change one that exists already"),
    {0},
};

static int read_input(const struct values *v, const char *from, struct buf *ret, struct err *err)
{
    if (v->env) {
        const char *value = getenv(from);
        if (!value)
            return err_set(err, -ENOENT,
                           "cannot create store secret data: environment variable "
                           "%s is not set",
                           from);
        buf_add_str(ret, value);
        return 0;
    }
    int r = file_read_named(from, STORE_SECRET_MAX, ret, err);
    return r < 0 ? err_wrap(err, "secret data") : 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_buf data = {0};
    auto_free char *id = NULL;
    auto_json json_t *labels = json_object();
    json_put_assignments(labels, &v->labels);
    int r = read_input(v, args->v[1], &data, err);
    if (r == 0)
        r = store_secret_create(&in->engine->store, args->v[0], labels, data.data, data.len,
                                v->replace, &id, err);
    if (r < 0)
        return r;
    event_secret(&in->engine->store, "create", id);
    puts(id);
    return 0;
}

const struct command cmd_secret_create = {
    .name = "create",
    .usage = "[options] NAME FILE|-",
    .summary = "Make a secret of a file",
    .details = "Example:\n"
               "  wherry secret create password - </dev/tty\n"
               "  wherry run --secret password debian cat /run/secrets/password\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
