/* SPDX-License-Identifier: Apache-2.0 */
/* wherry kill: sends a signal to containers. */
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/select.h"
#include "engine/life.h"
#include "engine/signal_name.h"

#include <stdio.h>

struct values {
    struct select_values select;
    char *signal;
};

static const struct opt opts[] = {
    SELECT_ALL_ROW("Signal all running containers"),
    SELECT_CIDFILE_ROW,
    SELECT_LATEST_ROW,
    OPT_STRING_ROW('s', "signal", values, signal, "SIGNAL", "Signal to send (default KILL)"),
    {0},
};

static int kill_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                    struct err *err)
{
    int r = container_kill(in->engine, c, *(const int *)arg, err);
    if (r == 0)
        puts(name);
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    int signal = signal_number(v->signal ? v->signal : "KILL");
    if (signal < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid signal: %s", v->signal);
    auto_strv names = {0};
    unsigned states = STATUS_BIT(CONTAINER_RUNNING) | STATUS_BIT(CONTAINER_PAUSED);
    int r = select_containers(in, &v->select, args, states, false, &names, err);
    return r < 0 ? r : each_container(in, &names, false, kill_one, &signal, err);
}

const struct command cmd_kill = {
    .name = "kill",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Send a signal to one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
