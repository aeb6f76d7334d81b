/* SPDX-License-Identifier: Apache-2.0 */
/* wherry system reset: removes everything. */
#include "base/buf.h"
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "engine/prune.h"

struct values {
    bool force;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('f', "force", values, force, "Do not ask"),
    {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_buf text = {0};
    bool go = v->force;
    buf_printf(&text,
               "WARNING! This will remove:\n"
               "        - all containers, running ones too\n"
               "        - all images\n"
               "        - all build cache\n"
               "        - all volumes\n"
               "        - the graphRoot directory: \"%s\"\n"
               "        - the runRoot directory: \"%s\"",
               in->engine->store.root, in->engine->store.runroot);
    int r = go ? 0 : confirm(buf_str(&text), &go, err);
    return r < 0 || !go ? r : reset_all(in->engine, err);
}

const struct command cmd_system_reset = {
    .name = "reset",
    .usage = "[options]",
    .summary = "Remove all containers, images and volumes",
    .details = "Removes the whole store. Files in its directory that are not the store's stay, and "
               "nothing that a\nlink leads to is touched.",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
