/* SPDX-License-Identifier: Apache-2.0 */
/* A table of commands and an engine that only the test of main() has: each command ends in one of
 * the ways a command can end. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"

#include <stdlib.h>
#include <string.h>

int engine_open(const struct engine_options *o, struct engine *ret, struct err *err)
{
    if (o->root && strcmp(o->root, "/bad") == 0)
        return err_set(err, -EIO, "open the store in %s", o->root);
    return 0;
}

void engine_close(struct engine *e)
{
    puts("closed");
}

struct run_values {
    bool tty;
    char *name;
    struct strv env;
};

static const struct opt run_opts[] = {
    OPT_BOOL_ROW('t', "tty", run_values, tty, "Allocate a terminal"),
    OPT_STRING_ROW(0, "name", run_values, name, "NAME", "Name of the container"),
    OPT_LIST_ROW('e', "env", run_values, env, NULL, "Set a variable"),
    {0},
};

static int run_run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct run_values *v = values;
    auto_free char *all = strv_join(args, " ");
    printf("tty=%d name=%s env=%zu given=%d engine=%d args=%s\n", v->tty, v->name ? v->name : "-",
           v->env.len, opt_given(in->table, in->res, "name"), in->engine != NULL, all);
    in->exit_status = 7;
    return 0;
}

static const struct command stub_run = {
    .name = "run",
    .usage = "[options] IMAGE [COMMAND [ARG...]]",
    .summary = "Run a command in a new container",
    .details = "Examples:\n  wherry run debian ls",
    .opts = run_opts,
    .values_size = sizeof(struct run_values),
    .min_args = 1,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run_run,
};

/* fail KIND: ends with an error of that kind. */
static int run_fail(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    int kind = atoi(args->v[0]);
    puts("before");
    if (kind == ERR_EXIT) {
        err_kind(err, ERR_EXIT, -EIO, "%s", args->len > 1 ? args->v[1] : "");
        err->status = 3;
        return -EIO;
    }
    return err_kind(err, kind, -EIO, "failed");
}

static const struct command stub_fail = {
    .name = "fail", .min_args = 1, .max_args = 2, .no_engine = true, .run = run_fail};

static const struct list_column columns[] = {{"ID", "IMAGE ID"}, {"Name", "NAME"}, {0}};
static const struct list_view view = {
    .columns = columns, .standard = "table {{.ID}}\t{{.Name}}", .id_field = "ID"};

static int run_images(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    auto_json json_t *rows = NULL;
    static const char text[] = "[{\"ID\":\"0123456789ab\",\"Name\":\"x\"}]";
    int r = json_parse(text, sizeof(text) - 1, &rows, err);
    return r < 0 ? r : list_print(stdout, rows, &view, &(struct list_options){0}, err);
}

static const struct command stub_images = {
    .name = "images", .max_args = 1, .no_engine = true, .run = run_images};
static const struct command stub_volume_ls = {.name = "ls", .no_engine = true, .run = run_images};
static const struct command stub_rename = {
    .name = "rename", .min_args = 2, .max_args = 2, .no_engine = true, .run = run_images};

static const struct command_row rows[] = {
    {.name = "run", .cmd = &stub_run, .groups = "container", .summary = "Run a command"},
    {.name = "fail", .cmd = &stub_fail, .groups = "container", .summary = "Fail"},
    {.name = "images",
     .cmd = &stub_images,
     .aliases = "image ls|image list",
     .summary = "List images"},
    {.name = "volume ls", .cmd = &stub_volume_ls, .summary = "List volumes"},
    {.name = "rename", .cmd = &stub_rename, .groups = "container", .summary = "Rename"},
    {.name = "pull", .groups = "image", .image_program = true, .summary = "Pull an image"},
    {.name = "help", .cmd = &cmd_help, .summary = "Help about any command"},
    {.name = "version", .cmd = &cmd_version, .summary = "Display the version"},
    {0},
};

static const struct command_group groups[] = {
    {"container", "Manage containers"},
    {"image", "Manage images"},
    {"volume", "Manage volumes"},
    {0},
};

const struct command_table commands = {.rows = rows, .groups = groups, .globals = command_globals};
