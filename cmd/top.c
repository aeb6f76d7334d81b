/* SPDX-License-Identifier: Apache-2.0 */
/* wherry top: the processes of a container. */
#include "engine/top.h"

#include "base/buf.h"
#include "base/seal.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/table.h"
#include "engine/exec.h"

#include <stdio.h>
#include <string.h>

struct values {
    bool latest;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('l', "latest", values, latest, "Use the newest container"),
    {0},
};

/* Options of ps(1), as in `top work -eo pid,comm`: the container's own ps understands them. */
static int run_ps(struct invocation *in, struct store_container *c, const struct strv *words,
                  struct err *err)
{
    auto_strv command = {0};
    char id[ID_HEX_LEN + 1];
    auto_close int channel = -1;
    int code = 0;
    strv_add(&command, "ps");
    strv_extend(&command, words);
    struct exec_options o = {.command = &command};
    int r = seal_program(in->argv, err);
    if (r == 0)
        r = container_exec(in->engine, c, &o, &channel, id, err);
    if (r < 0 && err->kind == ERR_NO_COMMAND)
        err->kind = ERR_OTHER;
    if (r < 0)
        return err_wrap(err, "executing ps(1) in the container");
    r = exec_attach(channel, &o, "", &code, err);
    if (r == 0)
        in->exit_status = code < 0 ? 125 : code;
    return r;
}

/* "user,pid args" is three descriptors, whatever parts them. */
static void split_descriptors(const char *words, struct strv *ret)
{
    size_t n;
    for (const char *p = words; *(p += strspn(p, " ,")); p += n) {
        n = strcspn(p, " ,");
        strv_addf(ret, "%.*s", (int)n, p);
    }
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    auto_strv latest = {0}, words = {0}, names = {0};
    auto_buf text = {0}, table = {0};
    if (!v->latest && args->len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "you must provide the name or id of a running container");
    int r = v->latest ? each_latest(in, &latest, err) : 0;
    if (r == 0)
        r = store_container_find(&in->engine->store, v->latest ? latest.v[0] : args->v[0], &c, err);
    if (r < 0)
        return r;
    for (size_t i = v->latest ? 0 : 1; i < args->len; i++)
        strv_add(&words, args->v[i]);
    strv_foreach (&words, word)
        split_descriptors(word, &names);
    if (words.len == 0)
        split_descriptors(top_standard, &names);
    r = words.len && *words.v[0] == '-' ? -ENOENT
                                        : container_top(in->engine, &c, &names, &text, err);
    if (r == -ENOENT)
        return run_ps(in, &c, &words, err);
    if (r < 0)
        return r;
    table_layout(buf_str(&text), &table);
    fputs(buf_str(&table), stdout);
    return 0;
}

const struct command cmd_top = {
    .name = "top",
    .usage = "[options] CONTAINER [FORMAT-DESCRIPTOR...|PS-OPTION...]",
    .summary = "Show the processes of a container",
    .details =
        "Descriptors: args capamb capbnd capeff capinh capprm comm etime group groups hgroup\n"
        "hgroups hpid huser label nice pcpu pgid pid ppid rgroup rss ruser seccomp state\n"
        "stime time tty user vsz. With options of ps(1), the container's own ps is run.\n\n"
        "Examples:\n"
        "  wherry top work\n"
        "  wherry top work pid seccomp args\n"
        "  wherry top work -eo user,pid,comm\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 0,
    .max_args = -1,
    .stop_at_argument = true,
    .run = run,
};
