/* SPDX-License-Identifier: Apache-2.0 */
/* wherry version: which wherry this is. */
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/list.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

struct values {
    char *format;
};

static const struct opt opts[] = {
    OPT_STRING_ROW('f', "format", values, format, "string",
                   "Change the output to JSON or a Go template"),
    {0},
};

/* The kernel's name of a processor as images have it. */
static const char *image_arch(const char *machine)
{
    static const char *const names[][2] = {
        {"x86_64", "amd64"},    {"aarch64", "arm64"},   {"armv7l", "arm"},  {"i686", "386"},
        {"ppc64le", "ppc64le"}, {"riscv64", "riscv64"}, {"s390x", "s390x"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i][0], machine) == 0)
            return names[i][1];
    return machine;
}

/* When the program's file was written: a build's own date would make builds differ. */
static time_t built(void)
{
    struct stat st;
    return stat("/proc/self/exe", &st) == 0 ? st.st_mtime : 0;
}

static json_t *client(void)
{
    struct utsname u;
    struct tm tm;
    char text[64] = "";
    auto_buf arch = {0};
    time_t when = built();
    json_t *c = json_object();
    json_put_string(c, "APIVersion", WHERRY_VERSION);
    json_put_string(c, "Version", WHERRY_VERSION);
    json_put_string(c, "GitCommit", "");
    if (gmtime_r(&when, &tm))
        strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
    json_put_string(c, "BuiltTime", text);
    json_put(c, "Built", json_integer(when));
    buf_printf(&arch, "linux/%s", uname(&u) == 0 ? image_arch(u.machine) : "unknown");
    json_put_string(c, "OsArch", buf_str(&arch));
    json_put_string(c, "Os", "linux");
    return c;
}

static int print_format(const char *format, json_t *result, struct err *err)
{
    auto_json json_t *array = json_array();
    if (strcmp(format, "json") == 0) {
        auto_free char *text = json_dumps(result, JSON_COMPACT);
        printf("%s\n", text);
        return 0;
    }
    /* Scripts write both {{.Client.Version}} and {{.Version}}. */
    json_t *dot = json_copy(result);
    json_object_update(dot, json_object_get(result, "Client"));
    json_array_append_new(array, dot);
    return inspect_print(stdout, array, format, err);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_json json_t *result = json_object();
    json_t *c = client();
    json_put(result, "Client", c);
    if (v->format && *v->format)
        return print_format(v->format, result, err);
    printf("Client:       Wherry Engine\n");
    printf("Version:      %s\n", WHERRY_VERSION);
    printf("Built:        %s\n", json_get_string(c, "BuiltTime", ""));
    printf("OS/Arch:      %s\n", json_get_string(c, "OsArch", ""));
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .usage = "[options]",
    .summary = "Display the wherry version information",
    .opts = opts,
    .values_size = sizeof(struct values),
    .no_engine = true,
    .run = run,
};
