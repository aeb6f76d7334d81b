/* SPDX-License-Identifier: Apache-2.0 */
/* wherry images: lists images. */
#include "base/buf.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/image.h"

#include <string.h>
#include <time.h>

struct values {
    bool all, quiet, no_trunc, no_heading, digests, history;
    struct strv filters;
    char *format, *sort;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Show nameless images that others were made from, too"),
    OPT_BOOL_ROW(0, "digests", values, digests, "Show digests"),
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE",
                 "Only those that match (before, since, until, containers, dangling, digest, id, "
                 "intermediate, label, label!, readonly, reference)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_BOOL_ROW(0, "history", values, history, "Show the names of each image"),
    OPT_BOOL_ROW(0, "no-trunc", values, no_trunc, "Do not shorten IDs"),
    OPT_BOOL_ROW('n', "noheading", values, no_heading, "Leave the headings out"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print IDs only"),
    OPT_STRING_ROW(0, "sort", values, sort, "KEY", "Order by created, id, repository, size or tag"),
    {0},
};

static const struct list_column columns[] = {
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"Digest", "DIGEST"},
    {"ID", "IMAGE ID"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"CreatedTime", "CREATED TIME"},
    {"Size", "SIZE"},
    {"VirtualSize", "VIRTUAL SIZE"},
    {"ReadOnly", "R/O"},
    {"History", "HISTORY"},
    {"Labels", "LABELS"},
    {"Containers", "CONTAINERS"},
    {"ParentId", "PARENT ID"},
    {0},
};

/* podman's table, with the columns that were asked for. */
static void standard_view(const struct values *v, struct buf *out)
{
    buf_printf(out, "table {{.Repository}}\t{{.Tag}}%s\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}%s",
               v->digests ? "\t{{.Digest}}" : "", v->history ? "\t{{.History}}" : "");
}

static void put_size(const json_t *row, json_t *shown, const char *key)
{
    char text[HUMAN_MAX];
    uint64_t size = (uint64_t)json_integer_value(json_object_get(row, key));
    json_put_string(shown, key, human_size(size, " ", text));
}

/* Adds what templates see in place of the facts (LIST_TEMPLATE_FIELDS). */
static void word(json_t *row, bool no_trunc)
{
    int64_t created = json_integer_value(json_object_get(row, "Created"));
    char text[HUMAN_MAX], at[64];
    json_t *shown = json_object();
    json_put_string(shown, "CreatedSince", human_ago(time(NULL) - created, text));
    struct tm tm;
    time_t t = (time_t)created;
    gmtime_r(&t, &tm);
    strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
    json_put_string(shown, "CreatedAt", at);
    json_put_string(shown, "CreatedTime", at);
    const char *id = json_get_string(row, "Id", "");
    json_put(shown, "ID", no_trunc ? json_sprintf("sha256:%s", id) : json_sprintf("%.12s", id));
    put_size(row, shown, "Size");
    put_size(row, shown, "VirtualSize");
    list_put_joined(row, shown, "History", ", ");
    json_put(row, LIST_TEMPLATE_FIELDS, shown);
}

/* Templates that ask for it, and json, want to know what an image was made from. */
static bool wants_parents(const char *format)
{
    return format && (strcmp(format, "json") == 0 || strstr(format, "ParentId"));
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct image_list_options o = {.all = v->all,
                                   .by_image = v->format && strcmp(v->format, "json") == 0,
                                   .relations = wants_parents(v->format),
                                   .name = args->len ? args->v[0] : NULL,
                                   .filters = &v->filters,
                                   .sort = v->sort};
    auto_json json_t *rows = NULL;
    auto_buf standard = {0};
    int r = list_check(v->quiet, v->format, err);
    if (r == 0)
        r = image_list(in->engine, &o, &rows, err);
    if (r < 0)
        return r;
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        word(row, v->no_trunc);
    standard_view(v, &standard);
    struct list_view view = {.columns = columns, .standard = buf_str(&standard), .id_field = "ID"};
    struct list_options lo = {.format = v->format, .quiet = v->quiet, .no_heading = v->no_heading};
    return list_print(stdout, rows, &view, &lo, err);
}

const struct command cmd_images = {
    .name = "images",
    .usage = "[options] [IMAGE]",
    .summary = "List images",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .run = run,
};
