/* SPDX-License-Identifier: Apache-2.0 */
/* wherry secret inspect: all that is known of secrets, as JSON. */
#include "base/base64.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/list.h"
#include "store/secrets.h"

#include <stdio.h>

struct values {
    char *format;
    bool show;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template"),
    OPT_BOOL_ROW(0, "showsecret", values, show, "Show what it says, too (SecretData)"),
    {0},
};

static int read_one(struct invocation *in, const char *name, bool show, json_t **ret,
                    struct err *err)
{
    auto_buf data = {0};
    json_t *secret = NULL;
    int r = store_secret_find(&in->engine->store, name, &secret, err);
    if (r < 0)
        return r;
    if (show && base64_decode(json_get_string(secret, "Data", ""), &data) == 0)
        json_put(secret, "SecretData", json_from_string(buf_str(&data)));
    json_object_del(secret, "Data");
    *ret = secret;
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *found = json_array();
    int result = 0;
    strv_foreach (args, name) {
        json_t *one = NULL;
        struct err failed = {0};
        int r = read_one(in, name, v->show, &one, &failed);
        if (r == 0)
            json_array_append_new(found, one);
        else
            each_failed(r, &failed, &result, err);
    }
    return inspect_print_found(found, v->format, result, err);
}

const struct command cmd_secret_inspect = {
    .name = "inspect",
    .usage = "[options] SECRET [SECRET...]",
    .summary = "Show all that is known of secrets",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
