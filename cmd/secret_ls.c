/* SPDX-License-Identifier: Apache-2.0 */
/* wherry secret ls: lists secrets. */
#include "base/file.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/human.h"
#include "cmd/list.h"
#include "engine/filter.h"
#include "store/secrets.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct values {
    bool quiet, no_heading;
    struct strv filters;
    char *format;
};

static const struct opt opts[] = {
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE", "Only those that match (id, name)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_BOOL_ROW('n', "noheading", values, no_heading, "Leave the headings out"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print IDs only"),
    {0},
};

static const struct list_column columns[] = {
    {"ID", "ID"},
    {"Name", "NAME"},
    {"Driver", "DRIVER"},
    {"CreatedAt", "CREATED"},
    {"UpdatedAt", "UPDATED"},
    {0},
};

static int match(void *arg, const char *key, const char *value, struct err *err)
{
    const json_t *secret = arg;
    if (strcmp(key, "id") == 0)
        return strncmp(json_get_string(secret, "ID", ""), value, strlen(value)) == 0;
    return strstr(store_secret_name(secret), value) != NULL;
}

static void put_age(json_t *row, const json_t *secret, const char *key)
{
    struct timespec t = {0};
    char text[HUMAN_MAX];
    time_parse(json_get_string(secret, key, ""), &t);
    json_put_string(row, key, human_ago(time(NULL) - t.tv_sec, text));
}

static json_t *row_of(const json_t *secret)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "ID", json_get_string(secret, "ID", ""), "Name",
                            store_secret_name(secret), "Driver", "file");
    put_age(row, secret, "CreatedAt");
    put_age(row, secret, "UpdatedAt");
    return row;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    static const char *const keys[] = {"id", "name", NULL};
    static const struct list_view view = {.columns = columns,
                                          .standard = "table {{.ID}}\t{{.Name}}\t{{.Driver}}"
                                                      "\t{{.CreatedAt}}\t{{.UpdatedAt}}",
                                          .id_field = "ID",
                                          .indent = 2};
    struct list_options lo = {.format = v->format, .quiet = v->quiet, .no_heading = v->no_heading};
    auto_json json_t *all = NULL, *rows = json_array();
    int r = list_check(v->quiet, v->format, err);
    if (r == 0)
        r = filters_check(&v->filters, keys, err);
    if (r == 0)
        r = store_secret_list(&in->engine->store, &all, err);
    for (size_t i = 0; i < json_array_size(all) && r == 0; i++) {
        json_t *secret = json_array_get(all, i);
        bool matches = false;
        r = filters_match(&v->filters, match, secret, &matches, err);
        if (r == 0 && matches)
            json_array_append_new(rows, row_of(secret));
    }
    return r < 0 ? r : list_print(stdout, rows, &view, &lo, err);
}

const struct command cmd_secret_ls = {
    .name = "ls",
    .usage = "[options]",
    .summary = "List secrets",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
