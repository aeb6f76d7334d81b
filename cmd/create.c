/* SPDX-License-Identifier: Apache-2.0 */
/* wherry create: makes a container without starting it. */
#include "cmd/commands.h"
#include "cmd/container_options.h"

#include <stdio.h>

static const struct opt opts[] = {CONTAINER_OPTION_ROWS, {0}};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_done(store_container) struct store_container c = {0};
    int r = container_options_create(in, values, args, &c, err);
    if (r == 0)
        puts(c.id);
    return r;
}

const struct command cmd_create = {
    .name = "create",
    .usage = "[options] IMAGE [COMMAND [ARG...]]",
    .summary = "Create a container but do not start it",
    .opts = opts,
    .values_size = sizeof(struct container_values),
    .min_args = 1,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
