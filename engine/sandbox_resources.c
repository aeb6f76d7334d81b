/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig to the container's cgroup, and what stands in where there is none. */
#include "engine/sandbox_resources.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

static int64_t number(const json_t *host, const char *key)
{
    return json_integer_value(json_object_get(host, key));
}

/* --- what the limits mean -------------------------------------------------------------------- */

/* "max" where there is no limit. */
static void add_limit(struct strv *ret, const char *file, int64_t value)
{
    if (value > 0)
        strv_addf(ret, "%s=%lld", file, (long long)value);
    else
        strv_addf(ret, "%s=max", file);
}

static void memory_settings(const json_t *host, bool reset, struct strv *ret)
{
    int64_t memory = number(host, "Memory"), both = number(host, "MemorySwap"),
            low = number(host, "MemoryReservation");
    if (memory > 0 || (reset && json_object_get(host, "Memory")))
        add_limit(ret, "memory.max", memory);
    /* Version 1 counted memory and swap together, version 2 counts swap alone. */
    if (both > 0 && memory > 0)
        strv_addf(ret, "memory.swap.max=%lld", (long long)(both - memory));
    else if (reset && json_object_get(host, "MemorySwap"))
        strv_add(ret, "memory.swap.max=max");
    if (low > 0 || (reset && json_object_get(host, "MemoryReservation")))
        strv_addf(ret, "memory.low=%lld", (long long)low);
}

/* The shares of version 1, 2 to 262144, on the weights of version 2, 1 to 10000; the line is that
 * of the OCI runtimes (crun, runc: 1 + ((shares - 2) * 9999) / 262142). */
static int64_t cpu_weight(int64_t shares)
{
    return shares ? 1 + (shares - 2) * 9999 / 262142 : 100;
}

static void cpu_settings(const json_t *host, bool reset, struct strv *ret)
{
    int64_t period = number(host, "CpuPeriod"), quota = number(host, "CpuQuota"),
            shares = number(host, "CpuShares");
    if (quota > 0)
        strv_addf(ret, "cpu.max=%lld %lld", (long long)quota,
                  (long long)(period > 0 ? period : 100000));
    else if (period > 0)
        strv_addf(ret, "cpu.max=max %lld", (long long)period);
    else if (reset && json_object_get(host, "CpuQuota"))
        strv_add(ret, "cpu.max=max");
    if (shares > 0 || (reset && json_object_get(host, "CpuShares")))
        strv_addf(ret, "cpu.weight=%lld", (long long)cpu_weight(shares));
    const char *cpus = json_get_string(host, "CpusetCpus", ""),
               *mems = json_get_string(host, "CpusetMems", "");
    if (*cpus)
        strv_addf(ret, "cpuset.cpus=%s", cpus);
    if (*mems)
        strv_addf(ret, "cpuset.mems=%s", mems);
}

static int rate_settings(const json_t *host, const char *key, const char *what, struct strv *ret,
                         struct err *err)
{
    const json_t *all = json_object_get(host, key);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const char *path = json_get_string(one, "Path", "");
        struct stat st;
        if (stat(path, &st) < 0)
            return err_errno(err, -errno, "device %s", path);
        if (!S_ISBLK(st.st_mode))
            return err_set(err, -ENOTBLK, "%s is no block device", path);
        strv_addf(ret, "io.max=%u:%u %s=%lld", major(st.st_rdev), minor(st.st_rdev), what,
                  (long long)number(one, "Rate"));
    }
    return 0;
}

static int disk_settings(const json_t *host, bool reset, struct strv *ret, struct err *err)
{
    static const char *const rates[][2] = {{"BlkioDeviceReadBps", "rbps"},
                                           {"BlkioDeviceWriteBps", "wbps"},
                                           {"BlkioDeviceReadIOps", "riops"},
                                           {"BlkioDeviceWriteIOps", "wiops"}};
    int64_t weight = number(host, "BlkioWeight");
    int r = 0;
    /* 10 to 1000 on 1 to 10000, as crun. */
    if (weight > 0)
        strv_addf(ret, "io.weight=%lld", (long long)(1 + (weight - 10) * 9999 / 990));
    else if (reset && json_object_get(host, "BlkioWeight"))
        strv_add(ret, "io.weight=100");
    for (size_t i = 0; r == 0 && i < sizeof(rates) / sizeof(*rates); i++)
        r = rate_settings(host, rates[i][0], rates[i][1], ret, err);
    return r;
}

int resources_settings(const json_t *host, bool reset, struct strv *ret, struct err *err)
{
    memory_settings(host, reset, ret);
    cpu_settings(host, reset, ret);
    int64_t pids = number(host, "PidsLimit");
    if (pids > 0 || (reset && json_object_get(host, "PidsLimit")))
        add_limit(ret, "pids.max", pids);
    int r = disk_settings(host, reset, ret, err);
    const char *file;
    json_t *value;
    json_object_foreach (json_object_get(host, "CgroupConf"), file, value)
        if (json_is_string(value))
            strv_addf(ret, "%s=%s", file, json_string_value(value));
    return r;
}

char *resources_flags(const struct strv *files)
{
    static const char *const flags[][2] = {{"memory.max", "--memory"},
                                           {"memory.swap.max", "--memory-swap"},
                                           {"memory.low", "--memory-reservation"},
                                           {"cpu.max", "--cpus"},
                                           {"cpu.weight", "--cpu-shares"},
                                           {"cpuset.cpus", "--cpuset-cpus"},
                                           {"cpuset.mems", "--cpuset-mems"},
                                           {"pids.max", "--pids-limit"},
                                           {"io.weight", "--blkio-weight"},
                                           {"io.max", "--device-read-bps and the like"}};
    auto_strv names = {0};
    for (size_t i = 0; i < files->len; i++) {
        auto_free char *name = xasprintf("--cgroup-conf %s", files->v[i]);
        for (size_t k = 0; k < sizeof(flags) / sizeof(*flags); k++)
            if (strcmp(files->v[i], flags[k][0]) == 0) {
                free(name);
                name = xstrdup(flags[k][1]);
            }
        /* Twice the memory is no wish of its own. */
        if (strcmp(name, "--memory-swap") != 0 || !strv_contains(&names, "--memory"))
            strv_add(&names, name);
    }
    return strv_join(&names, ", ");
}

/* --- what stands in -------------------------------------------------------------------------- */

/* Since Linux 5.14 RLIMIT_NPROC counts a user's processes in the process's own user namespace:
 * before, and in a shared one, others would count. The machine's root is never held to it. */
static bool nproc_counts(const struct sandbox *sb)
{
    struct utsname u;
    int major = 0, minor = 0;
    if (sb->ns[NS_USER].mode != NS_PRIVATE || geteuid() == 0 || uname(&u) < 0 ||
        sscanf(u.release, "%d.%d", &major, &minor) != 2)
        return false;
    return major > 5 || (major == 5 && minor >= 14);
}

static void stand_in(struct sandbox_config *config, const json_t *host, struct strv *missing)
{
    int64_t pids = number(host, "PidsLimit");
    struct sandbox *sb = &config->sandbox;
    if (pids <= 0 || !nproc_counts(sb))
        return;
    struct rlimit now = {.rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_NPROC, &now);
    uint64_t limit = (uint64_t)pids < now.rlim_max ? (uint64_t)pids : now.rlim_max;
    for (size_t i = 0; i < sb->n_limits; i++)
        if (sb->limits[i].resource == RLIMIT_NPROC && sb->limits[i].hard < limit)
            limit = sb->limits[i].hard;
    config->limits = xrealloc(config->limits, sb->n_limits + 1, sizeof(*config->limits));
    config->limits[sb->n_limits++] =
        (struct sandbox_limit){.resource = RLIMIT_NPROC, .soft = limit, .hard = limit};
    sb->limits = config->limits;
    for (size_t i = 0; missing && i < missing->len; i++)
        if (strcmp(missing->v[i], "pids.max") == 0) {
            strv_remove(missing, i);
            break;
        }
}

int sandbox_resources_read(struct sandbox_config *config, const json_t *host, struct err *err)
{
    struct sandbox *sb = &config->sandbox;
    int64_t score = 0;
    sb->adjust_oom_score = json_object_get(host, "OomScoreAdj") != NULL;
    int r = json_want_int(host, "OomScoreAdj", &score, err);
    sb->oom_score = (int)score;
    return r;
}

/* --- the cgroup ------------------------------------------------------------------------------ */

char *resources_warning(const struct strv *missing, const struct cgroup *cg)
{
    if (missing->len == 0)
        return NULL;
    auto_free char *flags = resources_flags(missing);
    return cg->dir
               ? xasprintf("not enforced, as this user's cgroup has no such controller: %s", flags)
               : xasprintf("not enforced, as no cgroup is delegated to this user here: %s", flags);
}

int sandbox_resources_make(struct sandbox_config *config, const struct store_container *c,
                           char **ret_warning, struct err *err)
{
    const json_t *host = json_object_get(c->config, "HostConfig");
    const char *how = json_get_string(host, "Cgroups", ""),
               *parent = json_get_string(host, "CgroupParent", NULL);
    auto_strv settings = {0}, missing = {0};
    if (strcmp(how, "disabled") == 0)
        return 0;
    int r = resources_settings(host, false, &settings, err);
    if (r < 0 || (settings.len == 0 && !*how && !parent))
        return r;
    auto_free char *name = xasprintf("wherry-%s", c->id);
    struct cgroup_request q = {
        .name = name, .parent = parent, .split = strcmp(how, "split") == 0, .settings = &settings};
    r = cgroup_make(&q, &config->cgroup, &missing, err);
    if (r < 0)
        return r;
    if (config->cgroup.dir)
        config->sandbox.cgroup = &config->cgroup;
    if (strv_contains(&missing, "pids.max"))
        stand_in(config, host, &missing);
    *ret_warning = resources_warning(&missing, &config->cgroup);
    return 0;
}

const char *resources_cgroup(const struct store_container *c)
{
    return json_get_string(c->state, "CgroupDir", NULL);
}

int sandbox_resources_join(struct sandbox_config *config, const struct store_container *c,
                           struct err *err)
{
    const json_t *host = json_object_get(c->config, "HostConfig");
    const char *dir = resources_cgroup(c);
    uint64_t limit;
    if (dir) {
        int r = cgroup_open(dir, &config->cgroup, err);
        if (r < 0)
            return r;
        config->sandbox.cgroup = &config->cgroup;
    }
    if (!dir || !cgroup_number(config->cgroup.fd, "pids.max", &limit))
        stand_in(config, host, NULL);
    return 0;
}
