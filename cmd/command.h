/* SPDX-License-Identifier: Apache-2.0 */
/* What a command is: one file, one table of options, one function.
 *
 * Theory of operation. cmd/commands.c holds the only list of commands. Each row names the command's
 * `struct command` and the groups it is also reached through (`container ls`, `image rm`). main()
 * finds the row, parses by the row's table, and either calls run() or, for a command that lives in
 * the other program, executes wherry-image with the same arguments. A command's run() returns 0 or
 * an error; only main() prints errors and chooses the exit status. */
#pragma once

#include "base/err.h"
#include "base/opt.h"
#include "engine/engine.h"

#include <stdbool.h>

/* What is common to all commands of one invocation. */
struct invocation {
    char *const *argv;            /* the whole command line */
    struct engine *engine;        /* opened store and directories; NULL when the command said no */
    const struct opt *table;      /* the running command's */
    const struct opt_result *res; /* for opt_given() */
    int exit_status;              /* what to exit with when run() returned 0 */
};

struct command {
    const char *name;       /* "run" */
    const char *usage;      /* "[options] IMAGE [COMMAND [ARG...]]" */
    const char *summary;    /* one line for the list of commands */
    const char *details;    /* paragraphs and examples below the usage, or NULL */
    const struct opt *opts; /* ends in {0}; NULL: none */
    size_t values_size;     /* of the struct the table's offsets are in */
    int min_args, max_args; /* positional arguments; max -1: any number */
    bool stop_at_argument;  /* flags end at the first argument */
    bool no_engine;         /* works without a store */
    /* `values` is zeroed before parsing. `args` are the positional arguments. */
    int (*run)(struct invocation *in, void *values, struct strv *args, struct err *err);
};
