/* SPDX-License-Identifier: Apache-2.0 */
/* wherry stats: what containers use, again and again. */
#include "engine/stats.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "base/when.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "cmd/human.h"
#include "cmd/list.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_DEFAULT 5 /* seconds, as podman */

struct values {
    bool all, latest, no_reset, no_stream, no_trunc;
    char *format;
    int64_t interval;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Show all containers, not only those that run"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_INT_ROW('i', "interval", values, interval, "SECONDS", "Time between reports (default 5)"),
    OPT_BOOL_ROW('l', "latest", values, latest, "Use the newest container"),
    OPT_BOOL_ROW(0, "no-reset", values, no_reset, "Do not overwrite the last report on a terminal"),
    OPT_BOOL_ROW(0, "no-stream", values, no_stream, "Report once"),
    OPT_BOOL_ROW(0, "no-trunc", values, no_trunc, "Do not shorten IDs"),
    {0},
};

static const struct list_column columns[] = {
    {"ID", "ID"},
    {"Name", "NAME"},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemUsageBytes", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET IO"},
    {"BlockIO", "BLOCK IO"},
    {"PIDS", "PIDS"},
    {"UpTime", "CPU TIME"},
    {"AVGCPU", "AVG CPU %"},
    {0},
};

static const struct list_view view = {
    .columns = columns,
    .standard = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}"
                "\t{{.BlockIO}}\t{{.PIDS}}\t{{.UpTime}}\t{{.AVGCPU}}",
    .id_field = "ID",
    .indent = 1,
};

/* The last sample of a container, for what it used since. */
struct seen {
    char *id;
    struct stats_sample sample;
};

struct stats {
    struct invocation *in;
    const struct values *v;
    struct strv names; /* those that were asked for; none: whatever there is */
    struct seen *seen;
    size_t n_seen, cap;
};

/* --- one row ------------------------------------------------------------------------------- */

static json_t *percent(double value)
{
    return json_sprintf("%.2f%%", value);
}

static json_t *pair(uint64_t a, uint64_t b, bool known)
{
    char first[HUMAN_MAX], second[HUMAN_MAX];
    if (!known || (a == 0 && b == 0))
        return json_string("-- / --");
    return json_sprintf("%s / %s", human_size_long(a, "", first), human_size_long(b, "", second));
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part * 100 / (double)whole : 0;
}

/* Without an earlier sample: since the start. */
static double cpu_percent(const struct stats_sample *now, const struct stats_sample *before)
{
    if (!before || !before->running || now->at <= before->at || now->cpu < before->cpu)
        return share(now->cpu, now->uptime);
    return share(now->cpu - before->cpu, now->at - before->at);
}

static json_t *make_row(const struct stats *st, const struct store_container *c,
                        const struct stats_sample *s, const struct stats_sample *before)
{
    char cpu_time[DURATION_MAX];
    json_t *row = json_object();
    json_put(row, "id", json_sprintf("%.*s", st->v->no_trunc ? ID_HEX_LEN : ID_SHORT_LEN, c->id));
    json_put_string(row, "name", c->name);
    json_put_string(row, "cpu_time", s->running ? duration_format(s->cpu, cpu_time) : "--");
    json_put(row, "cpu_percent", s->running ? percent(cpu_percent(s, before)) : json_string("--"));
    json_put(row, "avg_cpu", s->running ? percent(share(s->cpu, s->uptime)) : json_string("--"));
    json_put(row, "mem_usage", pair(s->memory, s->memory_limit, s->running));
    json_put(row, "mem_percent",
             s->running ? percent(share(s->memory, s->memory_limit)) : json_string("--"));
    json_put(row, "net_io", pair(s->net_in, s->net_out, s->own_network));
    json_put(row, "block_io", pair(s->disk_read, s->disk_written, s->running));
    json_put(row, "pids",
             s->running ? json_sprintf("%llu", (unsigned long long)s->processes)
                        : json_string("--"));
    static const char *const fields[][2] = {{"ID", "id"},
                                            {"Name", "name"},
                                            {"CPUPerc", "cpu_percent"},
                                            {"MemUsage", "mem_usage"},
                                            {"MemPerc", "mem_percent"},
                                            {"NetIO", "net_io"},
                                            {"BlockIO", "block_io"},
                                            {"PIDS", "pids"},
                                            {"UpTime", "cpu_time"},
                                            {"AVGCPU", "avg_cpu"}};
    json_t *shown = json_object();
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        json_object_set(shown, fields[i][0], json_object_get(row, fields[i][1]));
    json_put(shown, "MemUsageBytes",
             json_sprintf("%llu / %llu", (unsigned long long)s->memory,
                          (unsigned long long)s->memory_limit));
    json_put(row, LIST_TEMPLATE_FIELDS, shown);
    return row;
}

/* --- all rows ------------------------------------------------------------------------------ */

static struct seen *seen_find(struct stats *st, const char *id)
{
    for (size_t i = 0; i < st->n_seen; i++)
        if (strcmp(st->seen[i].id, id) == 0)
            return &st->seen[i];
    return NULL;
}

static int add_row(struct stats *st, const char *name, json_t *rows, bool *ret_running,
                   struct err *err)
{
    auto_done(store_container) struct store_container c = {0};
    struct stats_sample now;
    int r = store_container_find(&st->in->engine->store, name, &c, err);
    if (r == 0)
        r = container_stats(&c, &now, err);
    if (r < 0)
        return r;
    struct seen *before = seen_find(st, c.id);
    json_array_append_new(rows, make_row(st, &c, &now, before ? &before->sample : NULL));
    if (!before) {
        grow_array(st->seen, st->n_seen, st->cap);
        before = &st->seen[st->n_seen++];
        before->id = xstrdup(c.id);
    }
    before->sample = now;
    *ret_running = *ret_running || now.running;
    return 0;
}

static int list_names(struct stats *st, struct strv *ret, struct err *err)
{
    struct container_list_options o = {.all = st->v->all};
    auto_json json_t *found = NULL;
    if (st->names.len) {
        strv_extend(ret, &st->names);
        return 0;
    }
    int r = container_list(st->in->engine, &o, &found, err);
    size_t i;
    json_t *row;
    json_array_foreach (found, i, row)
        strv_add(ret, json_get_string(row, "Id", ""));
    return r;
}

/* *ret_running: there was one that runs, or nobody asked for certain ones. */
static int collect(struct stats *st, json_t *rows, bool *ret_running, struct err *err)
{
    auto_strv names = {0};
    int r = list_names(st, &names, err);
    *ret_running = st->names.len == 0;
    for (size_t i = 0; r == 0 && i < names.len; i++) {
        r = add_row(st, names.v[i], rows, ret_running, err);
        /* One that is gone since it was listed, or since it was first shown, is no mistake. */
        if (r == -ENOENT && (st->names.len == 0 || st->n_seen == names.len))
            r = 0;
    }
    return r;
}

/* Over the last report: each line and the rest of the screen are cleared as they are written, so
 * nothing flickers. */
static void print_over(const char *text)
{
    fputs("\033[H", stdout);
    for (const char *p = text; *p; p++) {
        if (*p == '\n')
            fputs("\033[K", stdout);
        putchar(*p);
    }
    fputs("\033[J", stdout);
}

static int report(struct stats *st, const json_t *rows, bool over, struct err *err)
{
    struct list_options how = {.format = st->v->format};
    char *text = NULL;
    size_t len;
    FILE *memory = open_memstream(&text, &len);
    int r = list_print(memory, rows, &view, &how, err);
    fclose(memory);
    if (r == 0 && over)
        print_over(text);
    else if (r == 0)
        fputs(text, stdout);
    free(text);
    return r == 0 && fflush(stdout) != 0 ? err_errno(err, -errno, "write") : r;
}

static int run_all(struct stats *st, struct err *err)
{
    const struct values *v = st->v;
    bool over = !v->no_stream && !v->no_reset && !v->format && isatty(STDOUT_FILENO);
    if (over)
        fputs("\033[2J", stdout);
    for (bool running = true;;) {
        auto_json json_t *rows = json_array();
        int r = collect(st, rows, &running, err);
        if (r == 0)
            r = report(st, rows, over, err);
        if (r < 0 || v->no_stream || !running)
            return r;
        sleep((unsigned)(v->interval ? v->interval : INTERVAL_DEFAULT));
    }
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct stats st = {.in = in, .v = v};
    bool has_interval = opt_given(in->table, in->res, "interval");
    if (has_interval && (v->interval < 1 || v->interval > 1000000))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid interval, must be a positive number of seconds");
    if ((v->all || v->latest) && args->len + (v->all && v->latest))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--all, --latest and containers cannot be used together");
    strv_extend(&st.names, args);
    int r = v->latest ? each_latest(in, &st.names, err) : 0;
    if (r == 0)
        r = run_all(&st, err);
    for (size_t i = 0; i < st.n_seen; i++)
        free(st.seen[i].id);
    free(st.seen);
    strv_done(&st.names);
    return r;
}

const struct command cmd_stats = {
    .name = "stats",
    .usage = "[options] [CONTAINER...]",
    .summary = "Show what containers use of the machine",
    .details = "Fields for --format: .ID .Name .CPUPerc .MemUsage .MemUsageBytes .MemPerc .NetIO\n"
               ".BlockIO .PIDS .UpTime (the CPU time) .AVGCPU.\n\n"
               "Examples:\n"
               "  wherry stats\n"
               "  wherry stats --no-stream --format \"{{.Name}} {{.MemUsage}}\" work\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 0,
    .max_args = -1,
    .run = run,
};
