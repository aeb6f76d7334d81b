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
    OPT_STRING_ROW(0, "detach-keys", values, detach_keys, "KEYS",
                   "Keys that leave the container running (default ctrl-p,ctrl-q; empty: none)"),
    {.type = OPT_CHOICE,
     .name = "sig-proxy",
     .offset = offsetof(struct values, sig_proxy),
     .value = "true|false",
     .help = "Pass signals on to the container (default true)",
     .choices = "true|false"},
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
    bool proxy = !v->sig_proxy || *v->sig_proxy == 't';
    return attach_foreground(in, &c, take_fd(&channel), v->container.interactive, proxy,
                             v->detach_keys ? v->detach_keys : DETACH_KEYS_DEFAULT, err);
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
