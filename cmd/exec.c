/* SPDX-License-Identifier: Apache-2.0 */
/* wherry exec: runs a command in a container that runs. */
#include "engine/exec.h"

#include "base/seal.h"
#include "cmd/attach_options.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/env_file.h"
#include "cmd/preserve_options.h"

#include <stdio.h>

struct values {
    struct strv env, env_files;
    char *user, *work_dir, *detach_keys;
    bool detach, tty, interactive, privileged, latest;
    struct preserve_options preserve;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('d', "detach", values, detach, "Run in the background and print the exec ID"),
    OPT_STRING_ROW(0, "detach-keys", values, detach_keys, "KEYS",
                   "Keys that leave the command running (default ctrl-p,ctrl-q; empty: none)"),
    OPT_LIST_ROW('e', "env", values, env, "NAME=VALUE",
                 "Set an environment variable (NAME alone: as here)"),
    OPT_LIST_ROW(0, "env-file", values, env_files, "FILE", "Read environment variables from FILE"),
    OPT_BOOL_ROW('i', "interactive", values, interactive, "Pass our standard input on"),
    OPT_BOOL_ROW('l', "latest", values, latest, "Use the newest container"),
    PRESERVE_OPTION_ROWS(values),
    OPT_BOOL_ROW(0, "privileged", values, privileged, "Give root all capabilities"),
    OPT_BOOL_ROW('t', "tty", values, tty, "Give the command a terminal"),
    OPT_STRING_ROW('u', "user", values, user, "USER[:GROUP]", "Run as this user of the container"),
    OPT_STRING_ROW('w', "workdir", values, work_dir, "DIR", "Working directory in the container"),
    {0},
};

static int follow(struct invocation *in, int channel, const struct values *v,
                  const struct exec_options *o, struct err *err)
{
    int code = 0;
    int r = exec_attach(channel, o, attach_keys(v->detach_keys), &code, err);
    if (r == 0 && code >= 0)
        in->exit_status = code;
    return r;
}

/* The container's name and the command's words, as `latest` has it. */
static int split_args(struct invocation *in, const struct values *v, const struct strv *args,
                      struct strv *ret_name, struct strv *ret_command, struct err *err)
{
    size_t first = v->latest ? 0 : 1;
    if (args->len <= first)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "must provide a non-empty command to start an exec session");
    for (size_t i = first; i < args->len; i++)
        strv_add(ret_command, args->v[i]);
    if (v->latest)
        return each_latest(in, ret_name, err);
    strv_add(ret_name, args->v[0]);
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    auto_strv name = {0}, command = {0}, env = {0};
    auto_done(handover) struct handover handover = {0};
    int r = seal_program(in->argv, err);
    if (r == 0)
        r = handover_collect(v->preserve.count, &v->preserve.listed, false, &handover, err);
    if (r == 0 && v->detach_keys)
        r = container_check_detach_keys(v->detach_keys, err);
    if (r == 0)
        r = split_args(in, v, args, &name, &command, err);
    if (r == 0)
        r = env_collect("env-file", &v->env_files, &v->env, &env, err);
    if (r == 0)
        r = store_container_find(&in->engine->store, name.v[0], &c, err);
    if (r < 0)
        return r;
    struct exec_options o = {
        .command = &command,
        .env = &env,
        .user = v->user,
        .work_dir = v->work_dir,
        .tty = v->tty,
        .interactive = v->interactive && !v->detach,
        .privileged = v->privileged,
        .handover = &handover,
    };
    char id[ID_HEX_LEN + 1];
    auto_close int channel = -1;
    r = container_exec(in->engine, &c, &o, &channel, id, err);
    handover_done(&handover);
    if (r < 0 || !v->detach)
        return r < 0 ? r : follow(in, channel, v, &o, err);
    puts(id);
    return exec_leave(channel, err);
}

const struct command cmd_exec = {
    .name = "exec",
    .usage = "[options] CONTAINER COMMAND [ARG...]",
    .summary = "Run a command in a container that runs",
    .details = "Examples:\n"
               "  wherry exec -it work bash\n"
               "  wherry exec -u postgres -w /tmp db psql\n"
               "  wherry exec -d work sleep 1000\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
