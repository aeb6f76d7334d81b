/* SPDX-License-Identifier: Apache-2.0 */
/* wherry system df: what takes how much of the disk. */
#include "base/buf.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/disk_usage.h"
#include "spec/reference.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct values {
    bool verbose;
    char *format;
};

static const struct opt opts[] = {
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_BOOL_ROW('v', "verbose", values, verbose, "Show each image, container and volume"),
    {0},
};

static int64_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static void put_size(json_t *shown, const char *key, int64_t bytes)
{
    char text[HUMAN_MAX];
    json_put_string(shown, key, human_size_long((uint64_t)bytes, "", text));
}

/* --- the sum -------------------------------------------------------------------------------- */

static void word_sum(json_t *row)
{
    int64_t size = number(row, "RawSize"), free = number(row, "RawReclaimable");
    char text[HUMAN_MAX];
    json_t *shown = json_object();
    put_size(shown, "Size", size);
    json_put(shown, "Reclaimable",
             json_sprintf("%s (%d%%)", human_size_long((uint64_t)free, "", text),
                          size ? (int)((double)free / (double)size * 100 + 0.5) : 0));
    /* Newer podman's JSON has these too. */
    json_put(row, "TotalCount", json_integer(number(row, "Total")));
    json_object_update(row, shown);
    json_decref(shown);
}

static int print_sum(json_t *rows, const char *format, struct err *err)
{
    static const struct list_column columns[] = {
        {"Type", "TYPE"},
        {"Total", "TOTAL"},
        {"Active", "ACTIVE"},
        {"Size", "SIZE"},
        {"Reclaimable", "RECLAIMABLE"},
        {0},
    };
    static const struct list_view view = {
        .columns = columns,
        .standard = "table {{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"};
    struct list_options lo = {.format = format};
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        word_sum(row);
    return list_print(stdout, rows, &view, &lo, err);
}

/* --- the details ---------------------------------------------------------------------------- */

static void put_created(const json_t *row, json_t *shown)
{
    char text[HUMAN_MAX];
    json_put_string(shown, "Created", human_duration(time(NULL) - number(row, "Created"), text));
}

/* A row for each name. */
static json_t *image_rows(const json_t *images)
{
    json_t *rows = json_array(), *image, *name;
    size_t i, j;
    json_array_foreach ((json_t *)images, i, image) {
        const json_t *names = json_object_get(image, "Names");
        for (j = 0; j == 0 || j < json_array_size(names); j++) {
            auto_done(image_ref) struct image_ref ref = {0};
            name = json_array_get(names, j);
            bool named = name && image_ref_parse(json_string_value(name), &ref, NULL) == 0;
            auto_free char *repository = named ? image_ref_repository(&ref) : NULL;
            json_t *row = json_object();
            json_put_string(row, "Repository", named ? repository : "<none>");
            json_put_string(row, "Tag", named && ref.tag ? ref.tag : "<none>");
            json_put(row, "ID", json_sprintf("%.12s", json_get_string(image, "Id", "")));
            put_created(image, row);
            put_size(row, "Size", number(image, "Size"));
            put_size(row, "SharedSize", number(image, "SharedSize"));
            put_size(row, "UniqueSize", number(image, "UniqueSize"));
            json_put(row, "Containers", json_integer(number(image, "Containers")));
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

static json_t *container_rows(const json_t *containers)
{
    json_t *rows = json_array(), *c;
    size_t i;
    json_array_foreach ((json_t *)containers, i, c) {
        json_t *row = json_object();
        auto_buf command = {0};
        list_put_joined(c, row, "Command", " ");
        human_command(json_get_string(row, "Command", ""), &command);
        json_put_string(row, "Command", buf_str(&command));
        json_put(row, "ID", json_sprintf("%.12s", json_get_string(c, "Id", "")));
        json_put(row, "Image", json_sprintf("%.12s", json_get_string(c, "ImageID", "")));
        json_put(row, "Volumes",
                 json_integer((json_int_t)json_array_size(json_object_get(c, "Mounts"))));
        put_size(row, "Size", number(c, "Size"));
        put_created(c, row);
        json_put_string(row, "Status", json_get_string(c, "State", ""));
        list_put_joined(c, row, "Names", ",");
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *volume_rows(const json_t *volumes)
{
    json_t *rows = json_deep_copy(volumes), *row;
    size_t i;
    json_array_foreach (rows, i, row)
        put_size(row, "Size", number(row, "Size"));
    return rows;
}

static const struct list_column detail_columns[] = {
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"ID", "IMAGE ID"},
    {"Created", "CREATED"},
    {"Size", "SIZE"},
    {"SharedSize", "SHARED SIZE"},
    {"UniqueSize", "UNIQUE SIZE"},
    {"Containers", "CONTAINERS"},
    {0},
};
static const struct list_column container_columns[] = {
    {"ID", "CONTAINER ID"},       {"Image", "IMAGE"}, {"Command", "COMMAND"},
    {"Volumes", "LOCAL VOLUMES"}, {"Size", "SIZE"},   {"Created", "CREATED"},
    {"Status", "STATUS"},         {"Names", "NAMES"}, {0},
};
static const struct list_column volume_columns[] = {
    {"VolumeName", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}, {0}};

static int print_details(const json_t *usage, struct err *err)
{
    const struct {
        const char *title;
        json_t *rows;
        struct list_view view;
    } parts[] = {
        {"Images",
         image_rows(json_object_get(usage, "Images")),
         {.columns = detail_columns,
          .standard = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Created}}\t{{.Size}}"
                      "\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}"}},
        {"\nContainers",
         container_rows(json_object_get(usage, "Containers")),
         {.columns = container_columns,
          .standard = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Volumes}}\t{{.Size}}"
                      "\t{{.Created}}\t{{.Status}}\t{{.Names}}"}},
        {"\nLocal Volumes",
         volume_rows(json_object_get(usage, "Volumes")),
         {.columns = volume_columns, .standard = "table {{.VolumeName}}\t{{.Links}}\t{{.Size}}"}},
    };
    const struct list_options lo = {0};
    int r = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (r == 0) {
            printf("%s space usage:\n\n", parts[i].title);
            r = list_print(stdout, parts[i].rows, &parts[i].view, &lo, err);
        }
        json_decref(parts[i].rows);
    }
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *usage = NULL;
    if (v->verbose && v->format)
        return err_kind(err, ERR_USAGE, -EINVAL, "cannot combine --format and --verbose flags");
    int r = disk_usage(in->engine, &usage, err);
    if (r < 0)
        return r;
    return v->verbose ? print_details(usage, err)
                      : print_sum(json_object_get(usage, "Sum"), v->format, err);
}

const struct command cmd_system_df = {
    .name = "df",
    .usage = "[options]",
    .summary = "Show what takes how much of the disk",
    .details = "A layer that several images have counts once in the sum. Reclaimable is what would "
               "be free\nwhen everything went that no container needs.",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
