/* SPDX-License-Identifier: Apache-2.0 */
/* wherry images: lists images. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/image.h"

#include <time.h>

struct values {
    bool all, quiet, no_trunc, no_heading, digests;
    struct strv filters;
    char *format, *sort;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "Show all images (none are hidden here)"),
    OPT_BOOL_ROW(0, "digests", values, digests, "Show digests"),
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE",
                 "Only those that match (id, dangling, reference, label, before, since)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
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
    {"Size", "SIZE"},
    {0},
};

static struct list_view view_of(const struct values *v)
{
    return (struct list_view){
        .columns = columns,
        .standard = v->digests ? "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}"
                                 "\t{{.CreatedSince}}\t{{.Size}}"
                               : "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}"
                                 "\t{{.Size}}",
        .id_field = "ID",
    };
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
    const char *id = json_get_string(row, "Id", "");
    json_put(shown, "ID", no_trunc ? json_sprintf("sha256:%s", id) : json_sprintf("%.12s", id));
    uint64_t size = (uint64_t)json_integer_value(json_object_get(row, "Size"));
    json_put_string(shown, "Size", human_size(size, " ", text));
    json_put(row, LIST_TEMPLATE_FIELDS, shown);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    if (v->quiet && v->format)
        return err_kind(err, ERR_USAGE, -EINVAL, "quiet and format cannot be used together");
    struct image_list_options o = {
        .name = args->len ? args->v[0] : NULL, .filters = &v->filters, .sort = v->sort};
    auto_json json_t *rows = NULL;
    int r = image_list(in->engine, &o, &rows, err);
    if (r < 0)
        return r;
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        word(row, v->no_trunc);
    struct list_view view = view_of(v);
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
