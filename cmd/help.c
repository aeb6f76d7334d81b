/* SPDX-License-Identifier: Apache-2.0 */
/* wherry help [COMMAND]: the same text as wherry COMMAND --help. */
#include "cmd/commands.h"

#include <stdio.h>

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    struct command_match m;
    auto_buf text = {0};
    int r = command_find(&commands, args->len, strv_argv(args), &m, err);
    if (r < 0)
        return r;
    if (m.row && !m.row->cmd) {
        char *argv[] = {"wherry", "help", args->v[0], m.words > 1 ? args->v[1] : NULL, NULL};
        return command_hand_over(&commands, argv, err);
    }
    if (m.row)
        command_help_row(m.row, &text);
    else if (m.group)
        command_help_group(&commands, m.group, &text);
    else
        command_help_top(&commands, &text);
    fputs(buf_str(&text), stdout);
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "Help about any command",
    .max_args = 2,
    .no_engine = true,
    .run = run,
};
