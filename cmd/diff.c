/* SPDX-License-Identifier: Apache-2.0 */
/* wherry diff: what a container or an image changed. */
#include "engine/diff.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"

#include <stdio.h>
#include <string.h>

struct values {
    char *format;
    bool latest;
};

#define OPT_FORMAT OPT_STRING_ROW(0, "format", values, format, "json", "Print as JSON")
#define OPT_LATEST OPT_BOOL_ROW('l', "latest", values, latest, "Of the newest container")

static const struct opt opts[] = {OPT_FORMAT, OPT_LATEST, {0}};
static const struct opt image_opts[] = {OPT_FORMAT, {0}};

struct output {
    json_t *lists; /* {"added": [...]...}; NULL: print lines */
};

/* A name with a new line in it must not look like another one's. */
static void print_line(char kind, const char *path)
{
    printf("%c ", kind);
    for (const char *p = path; *p; p++)
        putchar((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
    putchar('\n');
}

static void take(void *arg, char kind, const char *path)
{
    const struct output *o = arg;
    if (!o->lists) {
        print_line(kind, path);
        return;
    }
    const char *key = kind == 'A' ? "added" : kind == 'C' ? "changed" : "deleted";
    json_t *list = json_object_get(o->lists, key);
    if (!list) {
        list = json_array();
        json_put(o->lists, key, list);
    }
    json_array_append_new(list, json_from_string(path));
}

static int diff(struct invocation *in, const struct values *v, enum diff_of of,
                const struct strv *args, struct err *err)
{
    if (v->format && strcmp(v->format, "json") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "only supported value for '--format' is 'json'");
    auto_json json_t *lists = v->format ? json_object() : NULL;
    struct output o = {.lists = lists};
    int r =
        object_diff(in->engine, of, args->v[0], args->len > 1 ? args->v[1] : NULL, take, &o, err);
    if (r == 0 && lists) {
        auto_free char *text = json_dumps(lists, JSON_COMPACT);
        puts(text);
    }
    return r;
}

static int run_of(struct invocation *in, const struct values *v, enum diff_of of, struct strv *args,
                  struct err *err)
{
    auto_strv names = {0};
    int r = v->latest ? each_latest(in, &names, err) : 0;
    if (r < 0)
        return r;
    strv_extend(&names, args);
    if (names.len < 1 || names.len > 2)
        return err_kind(err, ERR_USAGE, -EINVAL, "accepts between 1 and 2 arg(s), received %zu",
                        names.len);
    return diff(in, v, of, &names, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return run_of(in, values, DIFF_ANY, args, err);
}

static int run_container(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return run_of(in, values, DIFF_CONTAINER, args, err);
}

static int run_image(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    return run_of(in, values, DIFF_IMAGE, args, err);
}

#define DIFF(variable, objects, table, function)                                                   \
    const struct command variable = {                                                              \
        .name = "diff",                                                                            \
        .usage = "[options] " objects,                                                             \
        .summary = "Show what a container or an image changed",                                    \
        .details = "Compares with the image of a container, with an image's layers below its "     \
                   "topmost, or with the\nsecond argument. A is added, C changed, D deleted.",     \
        .opts = table,                                                                             \
        .values_size = sizeof(struct values),                                                      \
        .max_args = 2,                                                                             \
        .run = function,                                                                           \
    }

DIFF(cmd_diff, "CONTAINER|IMAGE [CONTAINER|IMAGE]", opts, run);
DIFF(cmd_container_diff, "CONTAINER [CONTAINER]", opts, run_container);
DIFF(cmd_image_diff, "IMAGE [IMAGE]", image_opts, run_image);
