/* SPDX-License-Identifier: Apache-2.0 */
/* wherry attach: follows a container that runs already. */
#include "base/json.h"
#include "cmd/attach_options.h"
#include "cmd/commands.h"
#include "cmd/each.h"

struct values {
    char *detach_keys, *sig_proxy;
    bool latest, no_stdin;
};

static const struct opt opts[] = {
    DETACH_KEYS_ROW(values),
    OPT_BOOL_ROW('l', "latest", values, latest, "Use the newest container"),
    OPT_BOOL_ROW(0, "no-stdin", values, no_stdin, "Do not pass our standard input on"),
    SIG_PROXY_ROW(values),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    auto_strv name = {0};
    if (v->latest == (args->len > 0))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->latest ? "--latest takes no container"
                                  : "attach requires the name or id of one running container");
    int r = v->detach_keys ? container_check_detach_keys(v->detach_keys, err) : 0;
    if (r == 0 && v->latest)
        r = each_latest(in, &name, err);
    if (r == 0)
        r = store_container_find(&in->engine->store, v->latest ? name.v[0] : args->v[0], &c, err);
    if (r < 0)
        return r;
    const json_t *config = json_object_get(c.config, "Config");
    struct container_attach_options o = {
        .interactive = !v->no_stdin && json_is_true(json_object_get(config, "OpenStdin")),
        .proxy_signals = opt_switch(v->sig_proxy, true),
        .detach_keys = attach_keys(v->detach_keys),
    };
    auto_close int channel = -1;
    r = container_attach_open(in->engine, &c, &channel, err);
    return r < 0 ? r : attach_foreground(in, &c, take_fd(&channel), &o, err);
}

const struct command cmd_attach = {
    .name = "attach",
    .usage = "[options] CONTAINER",
    .summary = "Follow a container that runs",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
