/* SPDX-License-Identifier: Apache-2.0 */
/* --ulimit NAME=SOFT[:HARD]. */
#include "spec/ulimit.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    int resource;
} names[] = {
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"stack", RLIMIT_STACK},
    {"sigpending", RLIMIT_SIGPENDING},
    {"as", RLIMIT_AS},
};

#define COUNT (sizeof(names) / sizeof(*names))

const char *ulimit_name(int resource)
{
    for (size_t i = 0; i < COUNT; i++)
        if (names[i].resource == resource)
            return names[i].name;
    return "?";
}

int ulimit_resource(const char *name)
{
    if (strncasecmp(name, "RLIMIT_", 7) == 0)
        name += 7;
    for (size_t i = 0; i < COUNT; i++)
        if (strcasecmp(names[i].name, name) == 0)
            return names[i].resource;
    return -1;
}

static bool value_parse(const char *s, const char **ret_rest, int64_t *ret)
{
    if (strncmp(s, "unlimited", 9) == 0) {
        *ret = -1;
        *ret_rest = s + 9;
        return true;
    }
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || errno || v < -1 || *s == '+' || *s == ' ')
        return false;
    *ret = v;
    *ret_rest = end;
    return true;
}

int ulimit_parse(const char *text, struct ulimit *ret, struct err *err)
{
    struct ulimit u;
    const char *eq = strchr(text, '='), *rest;
    if (!eq)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid ulimit \"%s\": want NAME=SOFT[:HARD] or host", text);
    auto_free char *name = xstrndup(text, (size_t)(eq - text));
    u.resource = ulimit_resource(name);
    if (u.resource < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid ulimit type: %s", name);
    bool ok = value_parse(eq + 1, &rest, &u.soft);
    u.hard = u.soft;
    if (ok && *rest == ':')
        ok = value_parse(rest + 1, &rest, &u.hard);
    if (!ok || *rest)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid ulimit \"%s\": want NAME=SOFT[:HARD]",
                        text);
    if (u.hard >= 0 && (u.soft < 0 || u.soft > u.hard))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "ulimit soft limit must be less than or equal to hard limit: %s", text);
    *ret = u;
    return 0;
}
