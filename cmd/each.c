/* SPDX-License-Identifier: Apache-2.0 */
/* Doing one thing to several containers. */
#include "cmd/each.h"

#include "base/json.h"
#include "engine/container.h"

#include <stdio.h>

void each_failed(int r, const struct err *one, int *result, struct err *err)
{
    if (*result < 0)
        fprintf(stderr, "Error: %s\n", err->message);
    *result = r;
    *err = *one;
}

int each_container(struct invocation *in, const struct strv *names, bool ignore_missing,
                   int (*fn)(struct invocation *in, struct store_container *c, const char *name,
                             void *arg, struct err *err),
                   void *arg, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < names->len; i++) {
        struct err one = {0};
        struct store_container c = {0};
        int r = store_container_find(&in->engine->store, names->v[i], &c, &one);
        bool found = r == 0;
        if (found)
            r = fn(in, &c, names->v[i], arg, &one);
        else if (ignore_missing && one.kind == ERR_NOT_FOUND)
            r = 0;
        if (found)
            store_container_done(&c);
        if (r < 0)
            each_failed(r, &one, &result, err);
    }
    return result;
}

int each_latest(struct invocation *in, struct strv *ret, struct err *err)
{
    struct container_list_options o = {.last = 1};
    auto_json json_t *rows = NULL;
    int r = container_list(in->engine, &o, &rows, err);
    if (r < 0)
        return r;
    if (json_array_size(rows) == 0)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "no containers exist");
    strv_add(ret, json_get_string(json_array_get(rows, 0), "Id", ""));
    return 0;
}
