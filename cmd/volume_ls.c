/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume ls: lists volumes. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"
#include "engine/volume.h"

struct values {
    bool quiet, no_heading;
    struct strv filters;
    char *format;
};

static const struct opt opts[] = {
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE",
                 "Only those that match (anonymous, dangling, driver, label, label!, name, opt, "
                 "scope, since, until)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_BOOL_ROW('n', "noheading", values, no_heading, "Leave the headings out"),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print names only"),
    {0},
};

static const struct list_column columns[] = {
    {"Driver", "DRIVER"},         {"Name", "VOLUME NAME"},
    {"Mountpoint", "MOUNTPOINT"}, {"CreatedAt", "CREATED AT"},
    {"Labels", "LABELS"},         {"Scope", "SCOPE"},
    {"MountCount", "MOUNTCOUNT"}, {0},
};

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    static const struct list_view view = {.columns = columns,
                                          .standard = "table {{.Driver}}\t{{.Name}}",
                                          .id_field = "Name",
                                          .indent = 2};
    struct list_options lo = {.format = v->format, .quiet = v->quiet, .no_heading = v->no_heading};
    auto_json json_t *rows = NULL;
    int r = list_check(v->quiet, v->format, err);
    if (r == 0)
        r = volume_list(in->engine, &v->filters, &rows, err);
    return r < 0 ? r : list_print(stdout, rows, &view, &lo, err);
}

const struct command cmd_volume_ls = {
    .name = "ls",
    .usage = "[options]",
    .summary = "List volumes",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
