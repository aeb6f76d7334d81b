/* SPDX-License-Identifier: Apache-2.0 */
/* wherry unshare: runs a command of the host in the user namespace that containers get. */
#include "engine/unshare.h"

#include "cmd/commands.h"

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return engine_unshare(in->engine, args, err);
}

const struct command cmd_unshare = {
    .name = "unshare",
    .usage = "[COMMAND [ARG...]]",
    .summary = "Run a command in a user namespace, without a container",
    .details =
        "Without a command, your shell. It is root there, and owners of files are those that\n"
        "containers see, so that it can change and remove what they left in volumes.\n\n"
        "Examples:\n"
        "  wherry unshare ls -l data\n"
        "  wherry unshare rm -r data\n",
    .min_args = 0,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
