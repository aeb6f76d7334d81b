/* SPDX-License-Identifier: Apache-2.0 */
/* wherry logs: prints what a container has written. */
#include "cmd/commands.h"
#include "engine/container.h"

#include <stdio.h>

struct values {
    bool follow, timestamps;
    int64_t tail;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('f', "follow", values, follow, "Go on until the container ends"),
    OPT_INT_ROW(0, "tail", values, tail, "N", "Only the last N lines"),
    OPT_BOOL_ROW('t', "timestamps", values, timestamps, "Print each line's time"),
    {0},
};

static void print_piece(void *arg, bool is_stderr, const char *time, const char *data, size_t len)
{
    const struct values *v = arg;
    FILE *out = is_stderr ? stderr : stdout;
    if (v->timestamps && time)
        fprintf(out, "%s ", time);
    fwrite(data, 1, len, out);
    if (v->follow)
        fflush(out);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    bool has_tail = opt_given(in->table, in->res, "tail");
    if (has_tail && v->tail < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "--tail must not be negative");
    auto_done(store_container) struct store_container c = {0};
    int r = store_container_find(&in->engine->store, args->v[0], &c, err);
    if (r < 0)
        return r;
    struct logs_options o = {.follow = v->follow, .tail = has_tail ? v->tail : -1};
    return container_logs(in->engine, &c, &o, print_piece, values, err);
}

const struct command cmd_logs = {
    .name = "logs",
    .usage = "[options] CONTAINER",
    .summary = "Print the output of a container",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
