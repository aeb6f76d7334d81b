/* SPDX-License-Identifier: Apache-2.0 */
/* Environment and execution of the container's command. */
#pragma once

#include "base/err.h"
#include "base/strv.h"
#include "runtime/sandbox.h"

#define COMMAND_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The command's environment: the sandbox's and what every container has. `home` may be "". */
void command_env(const struct sandbox *sb, const char *home, struct strv *ret);

/* The files to try for `name`, in this order: `name` itself when it has a slash, else one a
 * directory of `path`; an empty directory is skipped, never the working directory. */
void command_candidates(const char *name, const char *path, struct strv *ret);

/* The interpreter that a file starting with these bytes asks for, and its argument ("#!/bin/sh -e"
 * gives "/bin/sh" and "-e"; NULL: none): true and both, which the caller frees. */
bool command_interpreter(const char *head, size_t len, char **ret, char **ret_arg);

/* Executes it. `shared_root`: others can change files of the root. Returns only on failure, with
 * kind ERR_NO_COMMAND or ERR_NOT_EXEC. */
int command_exec(const struct strv *args, const struct strv *env, bool shared_root,
                 struct err *err);
