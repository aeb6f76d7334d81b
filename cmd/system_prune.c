/* SPDX-License-Identifier: Apache-2.0 */
/* wherry system prune: removes what nobody needs. */
#include "base/buf.h"
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/human.h"
#include "engine/prune.h"

#include <stdio.h>

struct values {
    bool all, force, volumes;
    struct strv filters;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "All images that no container uses"),
    OPT_LIST_ROW(0, "filter", values, filters, "KEY=VALUE",
                 "Only containers and images that match (until, label, label!)"),
    OPT_BOOL_ROW('f', "force", values, force, "Do not ask"),
    OPT_BOOL_ROW(0, "volumes", values, volumes, "Volumes that no container uses, too"),
    {0},
};

static int ask(const struct values *v, bool *ret, struct err *err)
{
    auto_buf text = {0};
    buf_printf(&text,
               "WARNING! This command removes:\n\t- all stopped containers\n%s\t- all %s\n\t- what "
               "crashes left\n",
               v->volumes ? "\t- all volumes not used by at least one container\n" : "",
               v->all ? "images without at least one container associated with them"
                      : "dangling images");
    return confirm(buf_str(&text), ret, err);
}

static void print_list(const char *title, const struct strv *list)
{
    if (list->len)
        printf("Deleted %s\n", title);
    strv_foreach ((struct strv *)list, line)
        puts(line);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(prune_result) struct prune_result result = {0};
    struct prune_options o = {.all = v->all, .volumes = v->volumes, .filters = &v->filters};
    bool go = v->force;
    char size[HUMAN_MAX];
    int r = prune_check_filters(&v->filters, err);
    if (r == 0 && !go)
        r = ask(v, &go, err);
    if (r < 0 || !go)
        return r;
    r = prune_all(in->engine, &o, &result, err);
    print_list("Containers", &result.containers);
    print_list("Volumes", &result.volumes);
    print_list("Images", &result.images);
    printf("Total reclaimed space: %s\n", human_size_long(result.bytes, "", size));
    return r;
}

const struct command cmd_system_prune = {
    .name = "prune",
    .usage = "[options]",
    .summary = "Remove what nobody needs",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
