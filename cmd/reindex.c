/* SPDX-License-Identifier: Apache-2.0 */
/* wherry system reindex: writes a layer's index again from its tar. Called by the engine when an
 * index is missing, and useful by hand. */
#include "cmd/commands.h"
#include "spec/digest.h"
#include "store/content.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    if (!digest_valid(args->v[0]))
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid digest \"%s\"", args->v[0]);
    return content_layer_reindex(&in->engine->store, args->v[0], err);
}

const struct command cmd_reindex = {
    .name = "reindex",
    .usage = "DIFF-ID",
    .summary = "Write a layer's index again from its tar",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
