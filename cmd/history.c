/* SPDX-License-Identifier: Apache-2.0 */
/* wherry history: shows how an image came to be. */
#include "base/file.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/image.h"
#include "engine/image_find.h"

#include <string.h>
#include <time.h>

struct values {
    bool quiet, no_trunc;
    char *format, *human;
};

static const struct opt opts[] = {
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    {.type = OPT_CHOICE,
     .letter = 'H',
     .name = "human",
     .offset = offsetof(struct values, human),
     .value = "true|false",
     .help = "Sizes and dates for people (default true)",
     .choices = "true|false"},
    OPT_BOOL_ROW(0, "no-trunc", values, no_trunc, "Do not shorten anything"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print IDs only"),
    {0},
};

static const struct list_column columns[] = {
    {"ID", "ID"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"CreatedBy", "CREATED BY"},
    {"Size", "SIZE"},
    {"Comment", "COMMENT"},
    {0},
};

static const struct list_view view = {
    .columns = columns,
    .standard = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
    .id_field = "ID",
};

#define CREATED_BY_WIDTH 45 /* podman's */

static void put_id(const json_t *row, json_t *shown, bool no_trunc)
{
    const char *id = json_get_string(row, "Id", "");
    bool whole = no_trunc || strcmp(id, "<missing>") == 0;
    json_put(shown, "ID", whole ? json_string(id) : json_sprintf("%.12s", id));
    const char *by = json_get_string(row, "CreatedBy", "");
    if (!no_trunc && strlen(by) > CREATED_BY_WIDTH)
        json_put(shown, "CreatedBy", json_sprintf("%.*s...", CREATED_BY_WIDTH - 3, by));
}

/* podman's JSON has other names than its templates. */
static void rename_for_json(json_t *row, json_t *shown)
{
    static const char *const names[][2] = {
        {"Id", "id"}, {"Size", "size"}, {"Comment", "comment"}, {"Tags", "tags"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        json_t *value = json_incref(json_object_get(row, names[i][0]));
        if (!json_object_get(shown, names[i][0]))
            json_put(shown, names[i][0], json_incref(value));
        json_object_del(row, names[i][0]);
        json_put(row, names[i][1], value);
    }
    json_put(row, "created", json_incref(json_object_get(row, "Created")));
}

/* Adds what templates see in place of the facts (LIST_TEMPLATE_FIELDS). */
static void word(json_t *row, bool no_trunc, bool human)
{
    const char *created = json_get_string(row, "Created", "");
    char text[HUMAN_MAX];
    struct timespec t;
    bool ago = human && time_parse(created, &t) == 0;
    json_t *shown = json_object();
    json_put_string(shown, "CreatedSince", ago ? human_ago(time(NULL) - t.tv_sec, text) : created);
    json_put_string(shown, "CreatedAt", created);
    put_id(row, shown, no_trunc);
    uint64_t size = (uint64_t)json_integer_value(json_object_get(row, "Size"));
    if (human)
        json_put_string(shown, "Size", human_size(size, " ", text));
    rename_for_json(row, shown);
    json_put(row, LIST_TEMPLATE_FIELDS, shown);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_image) struct store_image image = {0};
    auto_json json_t *rows = NULL;
    int r = image_find(in->engine, args->v[0], &image, NULL, err);
    if (r == 0)
        r = image_history(in->engine, &image, &rows, err);
    if (r < 0)
        return r;
    bool human = opt_switch(v->human, true);
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        word(row, v->no_trunc, human);
    struct list_options lo = {.format = v->format, .quiet = v->quiet};
    return list_print(stdout, rows, &view, &lo, err);
}

const struct command cmd_history = {
    .name = "history",
    .usage = "[options] IMAGE",
    .summary = "Show how an image came to be",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
