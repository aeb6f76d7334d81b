/* SPDX-License-Identifier: Apache-2.0 */
/* wherry volume prune: removes volumes that no container has. */
#include "base/buf.h"
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "engine/volume.h"

#include <stdio.h>

struct values {
    bool force;
    struct strv filters;
};

static const struct opt opts[] = {
    OPT_LIST_ROW(0, "filter", values, filters, "KEY=VALUE",
                 "Only those that match (label, label!, until)"),
    OPT_BOOL_ROW('f', "force", values, force, "Do not ask"),
    {0},
};

static int ask(struct invocation *in, const struct values *v, bool *ret, struct err *err)
{
    auto_strv names = {0};
    int r = volume_prune_list(in->engine, &v->filters, &names, err);
    if (r < 0)
        return r;
    if (names.len == 0) {
        puts("No dangling volumes found");
        *ret = false;
        return 0;
    }
    auto_free char *list = strv_join(&names, "\n");
    auto_buf text = {0};
    buf_printf(&text,
               "WARNING! This will remove all volumes not used by at least one container. The "
               "following volumes will be removed:\n%s",
               list);
    return confirm(buf_str(&text), ret, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_strv names = {0};
    bool go = v->force;
    int r = volume_prune_check_filters(&v->filters, err);
    if (r == 0 && !go)
        r = ask(in, v, &go, err);
    if (r == 0 && go)
        r = volume_prune(in->engine, &v->filters, &names, NULL, err);
    strv_foreach (&names, name)
        puts(name);
    return r;
}

const struct command cmd_volume_prune = {
    .name = "prune",
    .usage = "[options]",
    .summary = "Remove volumes that no container has",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
