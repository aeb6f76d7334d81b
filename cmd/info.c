/* SPDX-License-Identifier: Apache-2.0 */
/* wherry info: the machine and the store. */
#include "engine/info.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"

#include <stdio.h>
#include <string.h>

struct values {
    char *format;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    {0},
};

/* As podman prints it: nested names, indented. */
static void print_tree(const json_t *object, int indent)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)object, key, v) {
        if (json_is_object(v)) {
            printf("%*s%s:\n", indent, "", key);
            print_tree(v, indent + 2);
        } else {
            auto_free char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY);
            printf("%*s%s: %s\n", indent, "", key, text ? text : json_string_value(v));
        }
    }
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *info = NULL;
    int r = engine_info(in->engine, &info, err);
    if (r < 0)
        return r;
    if (!v->format) {
        print_tree(info, 0);
        return 0;
    }
    if (strcmp(v->format, "json") == 0) {
        auto_free char *text = json_dumps(info, JSON_INDENT(2));
        puts(text);
        return 0;
    }
    auto_json json_t *array = json_pack("[O]", info);
    return inspect_print(stdout, array, v->format, err);
}

const struct command cmd_info = {
    .name = "info",
    .usage = "[options]",
    .summary = "Show what wherry found on this machine",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
