/* SPDX-License-Identifier: Apache-2.0 */
/* wherry image resolve: the full names that a name may stand for, best first. */
#include "cmd/commands.h"
#include "cmd/registry_options.h"
#include "engine/pull.h"

#include <stdio.h>

static const struct opt opts[] = {
    REGISTRIES_CONF_ROW,
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct registry_values *v = values;
    auto_strv names = {0};
    int r = content_name_candidates(v->registries_conf, args->v[0], &names, err);
    for (size_t i = 0; i < names.len; i++)
        puts(names.v[i]);
    return r;
}

const struct command cmd_image_resolve = {
    .name = "resolve",
    .usage = "NAME",
    .summary = "Show what a short name stands for",
    .details = "Prints the full names that registries.conf and short-name-aliases.conf give it, in "
               "the order\nin which `wherry pull` tries them. No registry is asked.",
    .opts = opts,
    .values_size = sizeof(struct registry_values),
    .min_args = 1,
    .max_args = 1,
    .no_engine = true,
    .run = run,
};
