/* SPDX-License-Identifier: Apache-2.0 */
/* wherry system check: whether everything in the store is what it should be. */
#include "base/file.h"
#include "base/when.h"
#include "cmd/commands.h"
#include "store/check.h"

#include <stdio.h>

struct values {
    bool quick, repair, force;
    char *max;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('f', "force", values, force,
                 "Repair what containers use, too, and remove containers without a configuration"),
    OPT_STRING_ROW('m', "max", values, max, "DURATION", "Leave garbage alone that is younger"),
    OPT_BOOL_ROW('q', "quick", values, quick, "Do not read all of the layers"),
    OPT_BOOL_ROW('r', "repair", values, repair, "Mend what can be mended, and collect the garbage"),
    {0},
};

static void print_finding(void *arg, const struct store_finding *f)
{
    printf("%s%s: %s", f->garbage ? "garbage: " : "", f->what, f->wrong);
    if (f->failed)
        printf("; could not be repaired: %s", f->failed);
    else if (f->done)
        printf("; repaired: %s", f->remedy);
    else if (f->remedy)
        printf("; a repair would help: %s", f->remedy);
    putchar('\n');
}

static void print_sum(const struct store_check_result *r, bool repair)
{
    printf("%zu images, %zu blobs and %zu containers checked: ", r->images, r->blobs,
           r->containers);
    if (r->damage == 0)
        printf("nothing is wrong");
    else if (repair)
        printf("%zu wrong, %zu of it given up, %zu left", r->damage, r->lost, r->left);
    else
        printf("%zu wrong", r->damage);
    if (r->garbage)
        printf("%s %zu pieces of garbage", repair ? "; collected" : "; there are", r->garbage);
    putchar('\n');
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct store_check_options o = {
        .quick = v->quick, .repair = v->repair, .force = v->force, .found = print_finding};
    struct store_check_result result;
    struct timespec now = time_now(), then = now;
    int r = v->max ? when_parse(v->max, now, &then, err) : 0;
    o.max_age = now.tv_sec - then.tv_sec;
    if (r == 0)
        r = content_check(&in->engine->store, &o, &result, err);
    if (r < 0)
        return r;
    print_sum(&result, v->repair);
    in->exit_status = result.left || result.lost ? 1 : 0;
    return 0;
}

const struct command cmd_system_check = {
    .name = "check",
    .usage = "[options]",
    .summary = "Check the store, and mend it",
    .details = "Names every image, layer, container and name with which something is wrong, and "
               "what --repair\nwould do about it. The exit status is 1 when something stays wrong "
               "or was lost. Garbage, which\na crash leaves, is not wrong and goes by itself.",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
