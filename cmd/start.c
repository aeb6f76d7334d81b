/* SPDX-License-Identifier: Apache-2.0 */
/* wherry start: starts containers that were created or have exited. */
#include "cmd/attach_options.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/container.h"

#include <stdio.h>

struct values {
    struct select_values select;
    bool attach, interactive;
    char *detach_keys, *sig_proxy;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW(0, "all", values, select.all, "Start all containers that do not run"),
    OPT_BOOL_ROW('a', "attach", values, attach, "Follow the container's output"),
    DETACH_KEYS_ROW(values),
    SELECT_FILTER_ROW('f'),
    OPT_BOOL_ROW('i', "interactive", values, interactive, "Pass our standard input on"),
    SELECT_LATEST_ROW,
    SIG_PROXY_ROW(values),
    {0},
};

static int start_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                     struct err *err)
{
    const struct values *v = arg;
    if (container_status(c) == CONTAINER_RUNNING && !v->attach && !v->interactive) {
        puts(name);
        return 0;
    }
    auto_close int channel = -1;
    int r = container_start(in->engine, c, NULL, &channel, err);
    if (r == -EALREADY && !v->attach && !v->interactive)
        r = 0; /* another start was quicker */
    if (r < 0)
        return r;
    if (!v->attach && !v->interactive) {
        puts(name);
        return 0;
    }
    struct container_attach_options o = {.interactive = v->interactive,
                                         .proxy_signals = opt_switch(v->sig_proxy, true),
                                         .detach_keys = attach_keys(v->detach_keys),
                                         .hold_output = true};
    return attach_foreground(in, c, take_fd(&channel), &o, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    if (v->sig_proxy && !v->attach && !v->interactive)
        return err_kind(err, ERR_USAGE, -EINVAL, "--sig-proxy goes with --attach");
    int r = select_containers(in, &v->select, args, CONTAINER_DOWN, false, &names, err);
    if (r < 0)
        return r;
    if (names.len > 1 && (v->attach || v->interactive))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "you cannot start and attach multiple containers at once");
    r = v->detach_keys ? container_check_detach_keys(v->detach_keys, err) : 0;
    return r < 0 ? r : each_container(in, &names, false, start_one, values, err);
}

const struct command cmd_start = {
    .name = "start",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Start one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
