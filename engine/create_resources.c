/* SPDX-License-Identifier: Apache-2.0 */
/* From the flags for memory, processors, processes and disks to HostConfig. */
#include "engine/create_resources.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

#define CPU_PERIOD 100000 /* microseconds: the kernel's default, which podman takes for --cpus */
#define CPU_MAX    8192   /* CONFIG_NR_CPUS of no distribution is greater */

static int invalid(const char *flag, const char *value, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid value \"%s\" for --%s", value, flag);
}

static int64_t number(const json_t *host, const char *key)
{
    return json_integer_value(json_object_get(host, key));
}

static bool parse_int(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || strchr(" \t\n", *text))
        return false;
    *ret = value;
    return true;
}

/* --- memory ---------------------------------------------------------------------------------- */

static int put_size(const char *flag, const char *text, const char *key, bool minus_one,
                    json_t *host, struct err *err)
{
    uint64_t size;
    if (!text)
        return 0;
    if (minus_one && strcmp(text, "-1") == 0) {
        json_put(host, key, json_integer(-1));
        return 0;
    }
    if (size_parse(text, &size) < 0 || size > INT64_MAX)
        return invalid(flag, text, err);
    json_put(host, key, json_integer((json_int_t)size));
    return 0;
}

static int check_memory(const json_t *host, struct err *err)
{
    int64_t memory = number(host, "Memory"), swap = number(host, "MemorySwap"),
            reservation = number(host, "MemoryReservation");
    if (swap && memory <= 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--memory-swap is memory and swap together: give --memory too");
    if (swap > 0 && swap < memory)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--memory-swap (memory and swap together) must not be less than --memory");
    if (reservation > 0 && memory > 0 && reservation > memory)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--memory-reservation must not be greater than --memory");
    return 0;
}

static int put_memory(const struct resource_options *o, json_t *host, struct err *err)
{
    bool doubled = number(host, "MemorySwap") == 2 * number(host, "Memory");
    int r = put_size("memory", o->memory, "Memory", false, host, err);
    if (r == 0)
        r = put_size("memory-swap", o->memory_swap, "MemorySwap", true, host, err);
    if (r == 0)
        r = put_size("memory-reservation", o->memory_reservation, "MemoryReservation", false, host,
                     err);
    if (r < 0)
        return r;
    int64_t memory = number(host, "Memory");
    /* podman's default: as much swap as memory. */
    if (o->memory && !o->memory_swap && doubled && memory < INT64_MAX / 2)
        json_put(host, "MemorySwap", json_integer(2 * memory));
    return check_memory(host, err);
}

/* --- processors ------------------------------------------------------------------------------ */

static int put_int(const char *flag, const char *text, const char *key, int64_t min, int64_t max,
                   json_t *host, struct err *err)
{
    int64_t value;
    if (!text)
        return 0;
    if (!parse_int(text, &value) || (value != 0 && (value < min || value > max)))
        return invalid(flag, text, err);
    json_put(host, key, json_integer(value));
    return 0;
}

/* In thousand millionths, as podman's NanoCpus; and what the kernel is told. */
static int put_cpus(const struct resource_options *o, json_t *host, struct err *err)
{
    char *end;
    if (!o->cpus)
        return 0;
    if (o->cpu_period || o->cpu_quota)
        return err_kind(err, ERR_USAGE, -EINVAL, "--%s and --cpus cannot be set together",
                        o->cpu_period ? "cpu-period" : "cpu-quota");
    bool plain = *o->cpus && strspn(o->cpus, "0123456789.") == strlen(o->cpus);
    double cpus = plain ? strtod(o->cpus, &end) : -1;
    if (!plain || *end || cpus > CPU_MAX || (cpus > 0 && cpus < 0.01))
        return invalid("cpus", o->cpus, err);
    json_put(host, "NanoCpus", json_integer((json_int_t)(cpus * 1e9 + 0.5)));
    json_put(host, "CpuPeriod", json_integer(cpus > 0 ? CPU_PERIOD : 0));
    json_put(host, "CpuQuota", json_integer((json_int_t)(cpus * CPU_PERIOD + 0.5)));
    return 0;
}

/* "0-3,7": numbers and ranges. */
static int put_set(const char *flag, const char *text, const char *key, json_t *host,
                   struct err *err)
{
    auto_strv parts = {0};
    if (!text)
        return 0;
    strv_split(&parts, text, ',');
    for (size_t i = 0; i < parts.len; i++) {
        char *end;
        const char *s = parts.v[i];
        if (*s < '0' || *s > '9')
            return invalid(flag, text, err);
        unsigned long first = strtoul(s, &end, 10), last = first;
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            last = strtoul(end + 1, &end, 10);
        if (*end || last < first || last >= CPU_MAX)
            return invalid(flag, text, err);
    }
    json_put_string(host, key, text);
    return 0;
}

static int put_processors(const struct resource_options *o, json_t *host, struct err *err)
{
    if (o->cpu_period || o->cpu_quota)
        json_object_del(host, "NanoCpus");
    int r = put_cpus(o, host, err);
    if (r == 0)
        r = put_int("cpu-period", o->cpu_period, "CpuPeriod", 1000, 1000000, host, err);
    if (r == 0 && o->cpu_quota && strcmp(o->cpu_quota, "-1") == 0)
        json_put(host, "CpuQuota", json_integer(0));
    else if (r == 0)
        r = put_int("cpu-quota", o->cpu_quota, "CpuQuota", 1000, INT64_MAX / 1000, host, err);
    if (r == 0)
        r = put_int("cpu-shares", o->cpu_shares, "CpuShares", 2, 262144, host, err);
    if (r == 0)
        r = put_set("cpuset-cpus", o->cpuset_cpus, "CpusetCpus", host, err);
    return r < 0 ? r : put_set("cpuset-mems", o->cpuset_mems, "CpusetMems", host, err);
}

/* --- disks ----------------------------------------------------------------------------------- */

static int put_rates(const char *flag, const struct strv *given, const char *key, bool bytes,
                     json_t *host, struct err *err)
{
    if (given->len == 0)
        return 0;
    auto_json json_t *all = json_array();
    for (size_t i = 0; i < given->len; i++) {
        const char *text = given->v[i], *colon = strrchr(text, ':');
        uint64_t rate = 0;
        int64_t count = 0;
        bool good = *text == '/' && colon;
        if (good && bytes)
            good = size_parse(colon + 1, &rate) == 0;
        else if (good && (good = parse_int(colon + 1, &count)))
            rate = (uint64_t)count;
        if (!good || rate == 0 || rate > INT64_MAX)
            return invalid(flag, text, err);
        json_array_append_new(all, json_pack("{s:o, s:I}", "Path",
                                             json_sprintf("%.*s", (int)(colon - text), text),
                                             "Rate", (json_int_t)rate));
    }
    json_put(host, key, take_ptr(all));
    return 0;
}

static int put_disks(const struct resource_options *o, json_t *host, struct err *err)
{
    int r = put_int("blkio-weight", o->blkio_weight, "BlkioWeight", 10, 1000, host, err);
    if (r == 0)
        r = put_rates("device-read-bps", &o->read_bps, "BlkioDeviceReadBps", true, host, err);
    if (r == 0)
        r = put_rates("device-write-bps", &o->write_bps, "BlkioDeviceWriteBps", true, host, err);
    if (r == 0)
        r = put_rates("device-read-iops", &o->read_iops, "BlkioDeviceReadIOps", false, host, err);
    return r < 0 ? r
                 : put_rates("device-write-iops", &o->write_iops, "BlkioDeviceWriteIOps", false,
                             host, err);
}

/* --- the cgroup itself ----------------------------------------------------------------------- */

/* A file that sets something: not one by which processes are moved, stopped or killed. */
static bool is_setting(const char *file, size_t len)
{
    static const char *const core[] = {"cgroup.max.depth", "cgroup.max.descendants",
                                       "cgroup.pressure"};
    const char *dot = memchr(file, '.', len);
    if (!dot || dot == file || dot + 1 == file + len ||
        strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789_.-") < len)
        return false;
    if (strncmp(file, "cgroup.", 7) != 0)
        return true;
    for (size_t i = 0; i < sizeof(core) / sizeof(*core); i++)
        if (strlen(core[i]) == len && strncmp(file, core[i], len) == 0)
            return true;
    return false;
}

static int put_conf(const struct resource_options *o, json_t *host, struct err *err)
{
    if (o->cgroup_conf.len == 0)
        return 0;
    auto_json json_t *all = json_object();
    for (size_t i = 0; i < o->cgroup_conf.len; i++) {
        const char *text = o->cgroup_conf.v[i], *eq = strchr(text, '=');
        if (!eq || !eq[1] || !is_setting(text, (size_t)(eq - text)))
            return invalid("cgroup-conf", text, err);
        auto_free char *file = xstrndup(text, (size_t)(eq - text));
        json_put_string(all, file, eq + 1);
    }
    json_put(host, "CgroupConf", take_ptr(all));
    return 0;
}

static bool parent_is_good(const char *path)
{
    auto_strv parts = {0};
    strv_split(&parts, path, '/');
    return *path && !strv_contains(&parts, "..") && !strchr(path, '\n');
}

static int put_place(const struct resource_options *o, json_t *host, struct err *err)
{
    if (o->cgroups)
        json_put_string(host, "Cgroups", o->cgroups);
    if (o->cgroup_parent && !parent_is_good(o->cgroup_parent))
        return invalid("cgroup-parent", o->cgroup_parent, err);
    json_put_string(host, "CgroupParent", o->cgroup_parent);
    int r = put_conf(o, host, err);
    if (r < 0)
        return r;
    if (strcmp(json_get_string(host, "Cgroups", ""), "disabled") == 0) {
        static const char *const keys[] = {"Memory",
                                           "MemoryReservation",
                                           "CpuPeriod",
                                           "CpuQuota",
                                           "CpuShares",
                                           "CpusetCpus",
                                           "CpusetMems",
                                           "PidsLimit",
                                           "BlkioWeight",
                                           "CgroupParent",
                                           "CgroupConf",
                                           "BlkioDeviceReadBps",
                                           "BlkioDeviceWriteBps",
                                           "BlkioDeviceReadIOps",
                                           "BlkioDeviceWriteIOps"};
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
            if (json_object_get(host, keys[i]))
                return err_kind(err, ERR_USAGE, -EINVAL,
                                "cannot specify resource limits when cgroups are disabled "
                                "(--cgroups=disabled)");
    }
    return 0;
}

/* What only version 1 of cgroups had. */
static int refuse_v1(const struct resource_options *o, struct err *err)
{
    const char *flag = o->memory_swappiness ? "memory-swappiness"
                       : o->cpu_rt_period   ? "cpu-rt-period"
                       : o->cpu_rt_runtime  ? "cpu-rt-runtime"
                       : o->oom_kill_disable && strcmp(o->oom_kill_disable, "true") == 0
                           ? "oom-kill-disable"
                           : NULL;
    return flag ? err_kind(err, ERR_USAGE, -EOPNOTSUPP,
                           "--%s is not supported: cgroups v2 have nothing like it", flag)
                : 0;
}

int create_resources(const struct resource_options *o, json_t *host, struct err *err)
{
    int64_t score;
    int r = refuse_v1(o, err);
    if (r == 0)
        r = put_memory(o, host, err);
    if (r == 0)
        r = put_processors(o, host, err);
    if (r == 0)
        r = put_int("pids-limit", o->pids_limit, "PidsLimit", -1, 1 << 22, host, err);
    if (r == 0)
        r = put_disks(o, host, err);
    if (r == 0)
        r = put_place(o, host, err);
    if (r < 0 || !o->oom_score_adj)
        return r;
    if (!parse_int(o->oom_score_adj, &score) || score < -1000 || score > 1000)
        return invalid("oom-score-adj", o->oom_score_adj, err);
    json_put(host, "OomScoreAdj", json_integer(score));
    return 0;
}
