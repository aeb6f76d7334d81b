/* SPDX-License-Identifier: Apache-2.0 */
/* wherry search: looks for images in registries. */
#include "engine/search.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"
#include "cmd/registry_options.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT   25
#define LIMIT_MAX       100
#define DESCRIPTION_MAX 44 /* characters, as podman shows */

struct values {
    struct registry_values registry; /* first: the rows */
    struct strv filters;
    char *format;
    int64_t limit;
    bool tags, no_trunc, compatible;
};

static const struct opt opts[] = {
    REGISTRY_ACCESS_ROWS,
    OPT_BOOL_ROW(0, "compatible", values, compatible, "Show stars and what is official, too"),
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE",
                 "Only those that match (stars, is-official, is-automated)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_INT_ROW(0, "limit", values, limit, "N", "Results of each registry (default 25)"),
    OPT_BOOL_ROW(0, "list-tags", values, tags, "List the tags of the repository"),
    OPT_BOOL_ROW(0, "no-trunc", values, no_trunc, "Do not shorten descriptions"),
    {0},
};

static const struct list_column columns[] = {
    {"Index", "INDEX"},
    {"Name", "NAME"},
    {"Description", "DESCRIPTION"},
    {"Stars", "STARS"},
    {"Official", "OFFICIAL"},
    {"Automated", "AUTOMATED"},
    {"Tag", "TAG"},
    {0},
};

/* Cuts at a character, not within one. */
static void shorten(json_t *row)
{
    const char *text = json_get_string(row, "Description", "");
    size_t n = 0, i = 0;
    while (text[i] && n < DESCRIPTION_MAX) {
        i++;
        while ((text[i] & 0xc0) == 0x80)
            i++;
        n++;
    }
    if (text[i])
        json_put(row, "Description", json_sprintf("%.*s...", (int)i, text));
}

static struct list_view view_of(const struct values *v)
{
    const char *standard = "table {{.Name}}\t{{.Description}}";
    if (v->tags)
        standard = "table {{.Name}}\t{{.Tag}}";
    else if (v->compatible)
        standard = "table {{.Name}}\t{{.Description}}\t{{.Stars}}\t{{.Official}}\t{{.Automated}}";
    return (struct list_view){.columns = columns, .standard = standard, .id_field = "Name"};
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    int64_t limit = opt_given(in->table, in->res, "limit") ? v->limit : LIMIT_DEFAULT;
    int64_t most = v->tags ? REGISTRY_LIST_MAX : LIMIT_MAX;
    if (limit < 1 || limit > most)
        return err_kind(err, ERR_USAGE, -EINVAL, "--limit must be from 1 to %d", (int)most);
    if (v->tags && v->filters.len)
        return err_kind(err, ERR_USAGE, -EINVAL, "filters are not applicable to list tags result");
    struct search_options o = {.term = args->v[0],
                               .limit = (int)limit,
                               .filters = &v->filters,
                               .tags = v->tags,
                               .registries_conf = v->registry.registries_conf};
    auto_json json_t *rows = NULL;
    int r = registry_access_from(in, &v->registry, &o.access, NULL, err);
    if (r == 0)
        r = registries_search(&o, &rows, err);
    if (r < 0)
        return r;
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        if (!v->no_trunc)
            shorten(row);
    struct list_view view = view_of(v);
    struct list_options lo = {.format = v->format};
    return list_print(stdout, rows, &view, &lo, err);
}

const struct command cmd_search = {
    .name = "search",
    .usage = "[options] TERM",
    .summary = "Search registries for images",
    .details = "Examples:\n"
               "  wherry search debian\n"
               "  wherry search quay.io/fedora\n"
               "  wherry search --list-tags docker.io/library/debian\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .no_engine = true,
    .run = run,
};
