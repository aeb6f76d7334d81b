/* SPDX-License-Identifier: Apache-2.0 */
/* wherry logs: prints what containers have written. */
#include "base/file.h"
#include "base/id.h"
#include "base/proc.h"
#include "base/when.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "engine/container.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

struct values {
    bool color, follow, latest, names, timestamps;
    int64_t tail;
    char *since, *until;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW(0, "color", values, color, "A colour for each container"),
    OPT_BOOL_ROW('f', "follow", values, follow, "Go on until the container ends"),
    OPT_BOOL_ROW('l', "latest", values, latest, "Of the newest container"),
    OPT_BOOL_ROW('n', "names", values, names, "Print the container's name before each line"),
    OPT_STRING_ROW(0, "since", values, since, "TIME", "Only lines since this time"),
    OPT_INT_ROW(0, "tail", values, tail, "N", "Only the last N lines (-1: all)"),
    OPT_BOOL_ROW('t', "timestamps", values, timestamps, "Print each line's time"),
    OPT_STRING_ROW(0, "until", values, until, "TIME", "Only lines until this time"),
    {0},
};

struct print {
    const struct values *v;
    struct logs_options options;
    size_t color;       /* the container's number */
    bool several;       /* whose lines are told apart */
    const char *prefix; /* NULL: none */
};

static const char *const colors[] = {"\033[36m", "\033[33m", "\033[32m",
                                     "\033[35m", "\033[34m", "\033[31m"};

static void print_piece(void *arg, bool is_stderr, const char *time, const char *data, size_t len)
{
    const struct print *p = arg;
    FILE *out = is_stderr ? stderr : stdout;
    bool whole = len && data[len - 1] == '\n';
    if (p->v->color)
        fputs(colors[p->color % (sizeof(colors) / sizeof(*colors))], out);
    if (p->prefix && time)
        fprintf(out, "%s ", p->prefix);
    if (p->v->timestamps && time)
        fprintf(out, "%s ", time);
    fwrite(data, 1, len - whole, out);
    if (p->v->color)
        fputs("\033[0m", out);
    if (whole)
        putc('\n', out);
    if (p->v->follow || is_stderr)
        fflush(out);
}

static int print_one(struct invocation *in, struct store_container *c, const char *name, void *arg,
                     struct err *err)
{
    struct print *p = arg;
    char id[ID_SHORT_LEN + 1];
    snprintf(id, sizeof(id), "%s", c->id);
    p->prefix = p->v->names ? c->name : p->several ? id : NULL;
    int r = container_logs(in->engine, c, &p->options, print_piece, p, err);
    p->prefix = NULL;
    p->color++;
    return r;
}

/* One process a container, so that each is followed while the others say nothing. */
static int follow_all(struct invocation *in, const struct strv *names, struct print *p,
                      struct err *err)
{
    int status, failed = 0;
    for (size_t i = 0; i < names->len; i++) {
        struct strv one = {.v = &names->v[i], .len = 1};
        struct err own = {0};
        fflush(stdout);
        pid_t parent = getpid(), pid = fork();
        if (pid < 0)
            return err_errno(err, -errno, "fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            p->color = i;
            int r = getppid() == parent ? each_container(in, &one, false, print_one, p, &own) : 0;
            if (r < 0)
                fprintf(stderr, "Error: %s\n", own.message);
            fflush(stdout);
            _exit(r < 0 ? 125 : 0);
        }
    }
    for (size_t i = 0; i < names->len; i++)
        if (proc_wait(-1, &status) == 0 && status)
            failed = 125;
    in->exit_status = failed;
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    bool has_tail = opt_given(in->table, in->res, "tail");
    struct print p = {.v = v,
                      .options = {.follow = v->follow, .tail = has_tail ? v->tail : -1},
                      .several = args->len > 1};
    struct timespec now = time_now();
    if (v->latest ? args->len > 0 : args->len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        v->latest ? "--latest and containers cannot be used together"
                                  : "specify at least one container name or ID to log");
    if (has_tail && v->tail < -1)
        return err_kind(err, ERR_USAGE, -EINVAL, "--tail must not be negative");
    int r = v->since ? when_parse(v->since, now, &p.options.since, err) : 0;
    if (r == 0 && v->until)
        r = when_parse(v->until, now, &p.options.until, err);
    if (r == 0 && v->latest)
        r = each_latest(in, args, err);
    if (r < 0)
        return r;
    return v->follow && args->len > 1 ? follow_all(in, args, &p, err)
                                      : each_container(in, args, false, print_one, &p, err);
}

const struct command cmd_logs = {
    .name = "logs",
    .usage = "[options] CONTAINER [CONTAINER...]",
    .summary = "Print the output of one or more containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .run = run,
};
