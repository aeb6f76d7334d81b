/* SPDX-License-Identifier: Apache-2.0 */
/* wherry ps: lists containers. */
#include "base/buf.h"
#include "base/json.h"
#include "base/parallel.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/container.h"
#include "engine/ports.h"

#include <ctype.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct values {
    bool all, quiet, no_trunc, no_heading, latest, size;
    struct strv filters;
    char *format, *sort;
    int64_t last, watch;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Show all containers, not only those that run"),
    OPT_LIST_ROW(
        'f', "filter", values, filters, "KEY=VALUE",
        "Only those that match (ancestor, before, command, exited, expose, health, id, "
        "label, label!, name, network, publish, restart-policy, since, status, until, volume)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_INT_ROW('n', "last", values, last, "N", "Show the N newest, whatever their state"),
    OPT_BOOL_ROW('l', "latest", values, latest, "Show the newest, whatever its state"),
    OPT_BOOL_ROW(0, "no-trunc", values, no_trunc, "Do not shorten IDs and commands"),
    OPT_BOOL_ROW(0, "noheading", values, no_heading, "Leave the headings out"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print IDs only"),
    OPT_BOOL_ROW('s', "size", values, size, "Show how much containers wrote"),
    OPT_STRING_ROW(0, "sort", values, sort, "KEY",
                   "Order by command, created, id, image, names, runningfor, size or status"),
    {.type = OPT_INT,
     .letter = 'w',
     .name = "watch",
     .offset = offsetof(struct values, watch),
     .value = "SECONDS",
     .help = "Show it again and again",
     .min = 1,
     .max = 86400},
    {0},
};

static const struct list_column columns[] = {
    {"ID", "CONTAINER ID"},
    {"Image", "IMAGE"},
    {"Command", "COMMAND"},
    {"CreatedHuman", "CREATED"},
    {"RunningFor", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"Status", "STATUS"},
    {"State", "STATE"},
    {"Ports", "PORTS"},
    {"Names", "NAMES"},
    {"Mounts", "MOUNTS"},
    {"Labels", "LABELS"},
    {"Pid", "PID"},
    {"ImageID", "IMAGE ID"},
    {"Size", "SIZE"},
    {0},
};

static const struct list_view view = {
    .columns = columns,
    .standard =
        "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}"
        "\t{{.Names}}",
    .id_field = "ID",
    .indent = 2,
};

static const struct list_view view_with_size = {
    .columns = columns,
    .standard =
        "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}"
        "\t{{.Names}}\t{{.Size}}",
    .id_field = "ID",
    .indent = 2,
};

static void put_status(json_t *row, json_t *shown, int64_t now)
{
    const char *state = json_get_string(row, "State", "");
    char text[HUMAN_MAX];
    if (strcmp(state, "running") == 0) {
        int64_t since = json_integer_value(json_object_get(row, "StartedAt"));
        const char *health = json_get_string(row, "Health", NULL);
        bool degraded = *json_get_string(row, "Error", ""); /* inspect has the reason */
        json_put(shown, "Status",
                 json_sprintf("Up %s%s%s%s%s", human_duration(now - since, text),
                              health ? " (" : "", health ? health : "", health ? ")" : "",
                              degraded ? " (degraded)" : ""));
    } else if (strcmp(state, "exited") == 0) {
        int64_t since = json_integer_value(json_object_get(row, "ExitedAt"));
        bool told = since > 0; /* not when its monitor was killed */
        json_put(shown, "Status",
                 json_sprintf("Exited (%lld)%s%s",
                              json_integer_value(json_object_get(row, "ExitCode")), told ? " " : "",
                              told ? human_ago(now - since, text) : ""));
    } else {
        json_put(shown, "Status",
                 json_sprintf("%c%s", toupper((unsigned char)*state), *state ? state + 1 : ""));
    }
}

static void put_created(json_t *row, json_t *shown, int64_t now)
{
    int64_t created = json_integer_value(json_object_get(row, "Created"));
    char ago[HUMAN_MAX], at[64];
    human_ago(now - created, ago);
    json_put_string(shown, "CreatedHuman", ago);
    json_put_string(shown, "RunningFor", ago);
    time_t t = (time_t)created;
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
    json_put_string(shown, "CreatedAt", at);
}

static void put_size(json_t *row, json_t *shown)
{
    const json_t *size = json_object_get(row, "Size");
    char written[HUMAN_MAX], whole[HUMAN_MAX];
    if (!size)
        return;
    human_size((uint64_t)json_integer_value(json_object_get(size, "rwSize")), "", written);
    human_size((uint64_t)json_integer_value(json_object_get(size, "rootFsSize")), "", whole);
    json_put(shown, "Size", json_sprintf("%s (virtual %s)", written, whole));
}

static void put_ports(const json_t *row, json_t *shown)
{
    const json_t *ports = json_object_get(row, "Ports");
    auto_json json_t *words = json_object();
    if (json_array_size(ports))
        json_put(words, "Ports", ports_in_words(ports));
    list_put_joined(words, shown, "Ports", ", ");
}

/* Adds what templates see in place of the facts (LIST_TEMPLATE_FIELDS). */
static void word(json_t *row, bool no_trunc)
{
    json_t *shown = json_object();
    int64_t now = time(NULL);
    put_created(row, shown, now);
    put_status(row, shown, now);
    put_size(row, shown);
    list_put_joined(row, shown, "Names", ",");
    put_ports(row, shown);
    list_put_joined(row, shown, "Mounts", ",");
    list_put_joined(row, shown, "Command", " ");
    const char *id = json_get_string(row, "Id", "");
    json_put(shown, "ID", no_trunc ? json_string(id) : json_sprintf("%.12s", id));
    if (!no_trunc) {
        auto_buf command = {0};
        human_command(json_get_string(shown, "Command", ""), &command);
        json_put_string(shown, "Command", buf_str(&command));
    }
    json_put(row, LIST_TEMPLATE_FIELDS, shown);
}

struct wording {
    const json_t *rows;
    bool no_trunc;
};

static void word_one(void *arg, size_t i)
{
    const struct wording *w = arg;
    word(json_array_get(w->rows, i), w->no_trunc);
}

static int show(struct invocation *in, const struct values *v, struct err *err)
{
    struct container_list_options o = {.all = v->all,
                                       .last = v->latest ? 1 : v->last,
                                       .filters = &v->filters,
                                       .size = v->size || (v->sort && strcmp(v->sort, "size") == 0),
                                       .sort = v->sort};
    auto_json json_t *rows = NULL;
    int r = container_list(in->engine, &o, &rows, err);
    if (r < 0)
        return r;
    parallel_for(json_array_size(rows), word_one,
                 &(struct wording){.rows = rows, .no_trunc = v->no_trunc});
    struct list_options lo = {.format = v->format, .quiet = v->quiet, .no_heading = v->no_heading};
    return list_print(stdout, rows, v->size ? &view_with_size : &view, &lo, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    int r = list_check(v->quiet, v->format, err);
    if (r == 0)
        r = show(in, v, err);
    while (r == 0 && v->watch) {
        fflush(stdout);
        sleep((unsigned)v->watch);
        fputs(isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", stdout);
        r = show(in, v, err);
    }
    return r;
}

const struct command cmd_ps = {
    .name = "ps",
    .usage = "[options]",
    .summary = "List containers",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
