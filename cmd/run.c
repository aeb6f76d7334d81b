/* SPDX-License-Identifier: Apache-2.0 */
/* wherry run: makes a container and runs it. */
#include "cmd/attach_options.h"
#include "cmd/commands.h"
#include "cmd/container_options.h"

#include <stdio.h>

struct values {
    struct container_values container; /* first: CONTAINER_OPTION_ROWS */
    bool detach;
    char *detach_keys, *sig_proxy;
};

static const struct opt opts[] = {
    CONTAINER_OPTION_ROWS,
    OPT_BOOL_ROW('d', "detach", values, detach, "Run in the background and print the ID"),
    DETACH_KEYS_ROW(values),
    SIG_PROXY_ROW(values),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    int r = v->detach_keys ? container_check_detach_keys(v->detach_keys, err) : 0;
    if (r == 0)
        r = container_options_create(in, &v->container, args, &c, err);
    if (r < 0)
        return r;
    auto_close int channel = -1;
    r = container_start(in->engine, &c, &channel, err);
    if (r < 0) {
        /* The monitor removes it when it gets so far; before that it is ours to do. */
        if (v->container.auto_remove)
            container_remove(in->engine, &c, true, 0, &(struct err){0});
        return r;
    }
    if (v->detach) {
        puts(c.id);
        return 0;
    }
    struct container_attach_options o = {.interactive = v->container.interactive,
                                         .proxy_signals = opt_switch(v->sig_proxy, true),
                                         .detach_keys = attach_keys(v->detach_keys),
                                         .hold_output = true};
    return attach_foreground(in, &c, take_fd(&channel), &o, err);
}

const struct command cmd_run = {
    .name = "run",
    .usage = "[options] IMAGE [COMMAND [ARG...]]",
    .summary = "Run a command in a new container",
    .details = "Examples:\n"
               "  wherry run --rm debian echo hello\n"
               "  wherry run -it --name work debian bash\n"
               "  wherry run -d -v ./site:/srv:ro IMAGE\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
