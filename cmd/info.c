/* SPDX-License-Identifier: Apache-2.0 */
/* wherry info: the machine and the store. */
#include "engine/info.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct values {
    char *format;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('f', "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    {0},
};

static void print_value(const json_t *v)
{
    auto_free char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY);
    puts(text ? text : json_string_value(v));
}

/* As podman prints it: nested names, indented; a list's elements with dashes. */
static void print_tree(const json_t *object, int indent)
{
    const char *key;
    json_t *v, *e;
    size_t i;
    json_object_foreach ((json_t *)object, key, v) {
        bool nested = json_is_object(v), list = json_is_array(v) && json_array_size(v);
        printf("%*s%s:%s", indent, "", key, nested || list ? "\n" : " ");
        if (nested)
            print_tree(v, indent + 2);
        else if (!list)
            print_value(v);
        json_array_foreach (v, i, e) {
            printf("%*s- ", indent, "");
            print_value(e);
        }
    }
}

/* podman's templates name the fields as its sources do, its JSON in another way: both are found. */
static const char *go_name(const char *key, char out[static 64])
{
    static const char *const special[][2] = {
        {"cpus", "CPUs"},
        {"cgroupVersion", "CgroupsVersion"},
        {"idMappings", "IDMappings"},
        {"os", "OS"},
        {"uidmap", "UIDMap"},
        {"gidmap", "GIDMap"},
        {"apparmorEnabled", "AppArmorEnabled"},
        {"seccompEnabled", "SECCOMPEnabled"},
        {"seccompProfilePath", "SECCOMPProfilePath"},
        {"selinuxEnabled", "SELinuxEnabled"},
        {"capabilities", "DefaultCapabilities"},
    };
    for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
        if (strcmp(special[i][0], key) == 0)
            return special[i][1];
    snprintf(out, 64, "%s", key);
    out[0] = (char)toupper((unsigned char)out[0]);
    return out;
}

static json_t *with_go_names(const json_t *object)
{
    json_t *o = json_object(), *v;
    const char *key;
    char name[64];
    json_object_foreach ((json_t *)object, key, v) {
        json_t *value = json_is_object(v) ? with_go_names(v) : json_incref(v);
        json_object_set(o, key, value);
        json_put(o, go_name(key, name), value);
    }
    return o;
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
    auto_json json_t *array = json_pack("[o]", with_go_names(info));
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
