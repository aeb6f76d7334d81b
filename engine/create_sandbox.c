/* SPDX-License-Identifier: Apache-2.0 */
/* From the flags of the sandbox to Config and HostConfig.
 *
 * Only what differs from the default is written, so that the default's start has nothing to read.
 * Whatever cannot be had without privileges is refused here, with the reason, and not ignored. */
#include "engine/create_sandbox.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "base/size.h"
#include "engine/create_namespaces.h"
#include "engine/sandbox_security.h"
#include "spec/capability.h"
#include "spec/seccomp.h"
#include "spec/ulimit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROFILE_MAX (1u << 20)

static void put_list(json_t *obj, const char *key, const struct strv *list)
{
    if (list->len)
        json_put(obj, key, json_from_strv(list));
}

static int put_capabilities(const struct sandbox_options *o, json_t *host, struct err *err)
{
    auto_strv add = {0}, drop = {0};
    uint64_t set;
    int r = capability_normalise(&o->cap_add, &add, err);
    if (r == 0)
        r = capability_normalise(&o->cap_drop, &drop, err);
    if (r == 0)
        r = capability_merge(0, &add, &drop, &set, err);
    put_list(host, "CapAdd", &add);
    put_list(host, "CapDrop", &drop);
    return r;
}

/* --- --security-opt -------------------------------------------------------------------------- */

/* The profile goes into config.json: a container starts the same way whatever becomes of the file.
 */
static int put_profile(const char *path, json_t *document, struct strv *options, struct err *err)
{
    auto_buf text = {0};
    auto_done(seccomp_policy) struct seccomp_policy policy = {0};
    const struct seccomp_place place = {.machine = ""};
    int r = file_read_named(path, PROFILE_MAX, &text, err);
    if (r == 0 && strlen(buf_str(&text)) != text.len)
        r = err_set(err, -EINVAL, "a NUL byte");
    if (r < 0)
        return err ? err_wrap(err, "seccomp profile %s", path) : r;
    r = seccomp_policy_parse(text.data, text.len, &place, &policy, err);
    if (r < 0)
        return err ? err_wrap(err, "seccomp profile %s", path) : r;
    auto_free char *full = realpath(path, NULL);
    strv_addf(options, "seccomp=%s", full ? full : path);
    json_t *kept = json_stringn(text.data, text.len);
    if (!kept)
        return err_set(err, -EILSEQ, "seccomp profile %s is not UTF-8", path);
    json_put(document, "SeccompProfile", kept);
    return 0;
}

static int check_label(const char *value, struct err *err)
{
    /* We never set a label; without SELinux nobody does. */
    if (strcmp(value, "disable") == 0 || access("/sys/fs/selinux/enforce", F_OK) < 0)
        return 0;
    return err_kind(err, ERR_USAGE, -ENOTSUP,
                    "--security-opt label=%s: SELinux labels are not set by wherry", value);
}

static int check_paths(const char *name, const char *value, struct err *err)
{
    auto_strv paths = {0};
    if (strcmp(name, "unmask") == 0 && strcasecmp(value, "all") == 0)
        return 0;
    strv_split(&paths, value, ':');
    for (size_t i = 0; i < paths.len; i++)
        if (*paths.v[i] != '/')
            return err_kind(err, ERR_USAGE, -EINVAL, "--security-opt %s: \"%s\" is not absolute",
                            name, paths.v[i]);
    return paths.len ? 0 : err_kind(err, ERR_USAGE, -EINVAL, "--security-opt %s needs paths", name);
}

static int check_proc_options(const char *value, struct err *err)
{
    auto_strv words = {0};
    strv_split(&words, value, ',');
    strv_foreach (&words, word)
        if (strncmp(word, "hidepid=", 8) != 0 && strcmp(word, "subset=pid") != 0)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "--security-opt proc-opts: \"%s\" is not hidepid=MODE or subset=pid",
                            word);
    return 0;
}

static int put_security_option(const char *given, json_t *document, struct strv *options,
                               struct err *err)
{
    auto_free char *name = xstrndup(given, strcspn(given, "=:"));
    const char *value = given[strlen(name)] ? given + strlen(name) + 1 : NULL;
    int r = -ENOENT;
    if (strcmp(name, "no-new-privileges") == 0) {
        if (!value || strcmp(value, "true") == 0)
            strv_add(options, "no-new-privileges");
        if (!value || strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
            return 0;
    }
    if (value && strcmp(name, "seccomp") == 0 && strcmp(value, "unconfined") != 0)
        return put_profile(value, document, options, err);
    if (value && strcmp(name, "label") == 0)
        r = check_label(value, err);
    else if (value && (strcmp(name, "mask") == 0 || strcmp(name, "unmask") == 0))
        r = check_paths(name, value, err);
    else if (value && strcmp(name, "proc-opts") == 0)
        r = check_proc_options(value, err);
    else if (value && (strcmp(name, "seccomp") == 0 || strcmp(name, "apparmor") == 0) &&
             strcmp(value, "unconfined") == 0)
        r = 0; /* we never set an AppArmor profile */
    if (r == -ENOENT)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid or unsupported --security-opt \"%s\"",
                        given);
    if (r == 0)
        strv_addf(options, "%s=%s", name, value);
    return r;
}

static int put_security(const struct sandbox_options *o, json_t *document, json_t *host,
                        struct err *err)
{
    auto_strv options = {0};
    bool host_proc = strcmp(json_get_string(host, "PidMode", ""), "host") == 0;
    for (size_t i = 0; i < o->security_opt.len; i++) {
        if (host_proc && strncmp(o->security_opt.v[i], "proc-opts", 9) == 0)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "--security-opt proc-opts: with --pid=host /proc is the machine's, "
                            "whose options only root can change");
        int r = put_security_option(o->security_opt.v[i], document, &options, err);
        if (r < 0)
            return r;
    }
    put_list(host, "SecurityOpt", &options);
    return 0;
}

/* --- limits and sizes ------------------------------------------------------------------------ */

static json_t *limit_object(int resource, int64_t soft, int64_t hard)
{
    auto_free char *name = xasprintf("RLIMIT_%s", ulimit_name(resource));
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", (json_int_t)soft, "Hard",
                     (json_int_t)hard);
}

static int64_t limit_number(rlim_t value)
{
    return value == RLIM_INFINITY || value > INT64_MAX ? -1 : (int64_t)value;
}

/* "host": all limits as they are here and now. */
static void add_own_limits(json_t *all)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit rl;
        if (getrlimit((__rlimit_resource_t)resource, &rl) == 0)
            json_array_append_new(
                all, limit_object(resource, limit_number(rl.rlim_cur), limit_number(rl.rlim_max)));
    }
}

static int put_limits(const struct sandbox_options *o, json_t *host, struct err *err)
{
    auto_json json_t *all = json_array();
    for (size_t i = 0; i < o->ulimits.len; i++) {
        struct ulimit u;
        if (strcmp(o->ulimits.v[i], "host") == 0) {
            add_own_limits(all);
            continue;
        }
        int r = ulimit_parse(o->ulimits.v[i], &u, err);
        if (r < 0)
            return r;
        json_array_append_new(all, limit_object(u.resource, u.soft, u.hard));
    }
    if (json_array_size(all))
        json_put(host, "Ulimits", take_ptr(all));
    return 0;
}

static int put_numbers(const struct sandbox_options *o, json_t *config, json_t *host,
                       struct err *err)
{
    if (o->umask) {
        char *end;
        unsigned long mask = strtoul(o->umask, &end, 8);
        if (end == o->umask || *end || mask > 0777 || !strchr("01234567", *o->umask))
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid umask string \"%s\"", o->umask);
        auto_free char *text = xasprintf("%04lo", mask);
        json_put_string(config, "Umask", text);
    }
    if (o->shm_size) {
        uint64_t size;
        if (size_parse(o->shm_size, &size) < 0 || size == 0)
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid --shm-size \"%s\"", o->shm_size);
        json_put(host, "ShmSize", json_integer((json_int_t)size));
    }
    if (o->read_only_tmpfs && *o->read_only_tmpfs == 'f')
        json_put(host, "ReadonlyTmpfs", json_false());
    return 0;
}

/* --- --sysctl -------------------------------------------------------------------------------- */

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* A sysctl belongs to a namespace of the container's own, or to the machine. */
static int check_sysctl(const char *name, const json_t *host, struct err *err)
{
    bool own_net = !namespace_is_shared(host, "NetworkMode"),
         own_ipc = !namespace_is_shared(host, "IpcMode");
    bool net = has_prefix(name, "net.");
    bool ipc = has_prefix(name, "kernel.shm") || has_prefix(name, "kernel.msg") ||
               strcmp(name, "kernel.sem") == 0 || has_prefix(name, "fs.mqueue.");
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@:") !=
            strlen(name) ||
        strstr(name, "..") || strstr(name, "//") || strstr(name, "./") || strstr(name, "/."))
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid sysctl name \"%s\"", name);
    if (net && !own_net)
        return err_kind(
            err, ERR_USAGE, -EINVAL,
            "sysctl %s is not allowed: the network namespace is not the container's own", name);
    if (ipc && !own_ipc)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "sysctl %s is not allowed: the IPC namespace is not the container's own",
                        name);
    if (!net && !ipc)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "sysctl %s is not in a namespace of the container: it would change the "
                        "whole machine (net.*, kernel.shm*, kernel.msg*, kernel.sem and "
                        "fs.mqueue.* are)",
                        name);
    return 0;
}

static int put_sysctls(const struct sandbox_options *o, json_t *host, struct err *err)
{
    auto_json json_t *all = json_object();
    for (size_t i = 0; i < o->sysctls.len; i++) {
        const char *given = o->sysctls.v[i], *eq = strchr(given, '=');
        if (!eq || eq == given)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "%s is invalid, sysctl values must be in the form of KEY=VALUE", given);
        auto_free char *name = xstrndup(given, (size_t)(eq - given));
        int r = check_sysctl(name, host, err);
        if (r < 0)
            return r;
        json_put_string(all, name, eq + 1);
    }
    if (json_object_size(all))
        json_put(host, "Sysctls", take_ptr(all));
    return 0;
}

/* --- --device -------------------------------------------------------------------------------- */

static bool is_permission(const char *s)
{
    return *s && strspn(s, "rwm") == strlen(s);
}

/* HOST[:CONTAINER][:PERMISSIONS] */
static int put_device(const char *given, json_t *all, struct err *err)
{
    auto_strv parts = {0};
    strv_split(&parts, given, ':');
    const char *permissions = "rwm";
    if (parts.len > 1 && is_permission(parts.v[parts.len - 1])) {
        permissions = parts.v[parts.len - 1];
        parts.len--;
    }
    if (parts.len < 1 || parts.len > 2 || *parts.v[0] != '/' ||
        (parts.len == 2 && *parts.v[1] != '/'))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid device \"%s\": want /HOST[:/CONTAINER][:rwm]", given);
    if (!strchr(permissions, 'r') || !strchr(permissions, 'w'))
        return err_kind(err, ERR_USAGE, -ENOTSUP,
                        "device %s: only read and write together can be given without a device "
                        "cgroup",
                        given);
    auto_free char *host = realpath(parts.v[0], NULL);
    struct stat st;
    if (!host || stat(host, &st) < 0)
        return err_errno(err, -errno, "device %s", parts.v[0]);
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
        return err_set(err, -ENODEV, "device %s: %s is not a device node", given, host);
    auto_free char *target = path_clean(parts.v[parts.len - 1]);
    json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "PathOnHost", host, "PathInContainer",
                                         target, "CgroupPermissions", permissions));
    return 0;
}

static int put_devices(const struct sandbox_options *o, json_t *host, struct err *err)
{
    auto_json json_t *all = json_array();
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->devices.len; i++)
        r = put_device(o->devices.v[i], all, err);
    if (r == 0 && json_array_size(all))
        json_put(host, "Devices", take_ptr(all));
    return r;
}

int create_sandbox(const struct sandbox_options *o, json_t *document, struct err *err)
{
    json_t *config = json_object_get(document, "Config");
    json_t *host = json_object_get(document, "HostConfig");
    if (o->privileged)
        json_put(host, "Privileged", json_true());
    if (o->init)
        json_put(host, "Init", json_true());
    put_list(host, "GroupAdd", &o->group_add);
    if (o->group_add.len > 1 && strv_contains(&o->group_add, "keep-groups"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "the '--group-add keep-groups' option is not allowed with any other "
                        "--group-add options");
    int r = put_capabilities(o, host, err);
    if (r == 0)
        r = put_security(o, document, host, err);
    if (r == 0)
        r = put_limits(o, host, err);
    if (r == 0)
        r = put_numbers(o, config, host, err);
    if (r == 0)
        r = put_sysctls(o, host, err);
    if (r == 0)
        r = put_devices(o, host, err);
    return r;
}

/* --- what inspect shows beside --------------------------------------------------------------- */

static json_t *names_of(uint64_t set)
{
    auto_strv names = {0};
    capability_list(set, &names);
    return json_from_strv(&names);
}

/* The sets as they come out, and CapAdd and CapDrop as podman shows them: the difference to the
 * default. */
static void show_capabilities(json_t *document, json_t *host)
{
    struct sandbox sb = {0};
    bool root = true;
    sandbox_security_caps(document, &sb);
    root = sandbox_security_is_root(json_object_get(document, "Config"));
    uint64_t standard = sandbox_default_caps();
    json_put(document, "BoundingCaps", names_of(sb.caps));
    json_put(document, "EffectiveCaps", names_of(root ? sb.caps : sb.user_caps & sb.caps));
    json_put(host, "CapAdd", names_of(sb.privileged ? 0 : sb.caps & ~standard));
    json_put(host, "CapDrop", names_of(standard & ~sb.caps));
}

void sandbox_show(json_t *document)
{
    json_t *host = json_object_get(document, "HostConfig");
    json_object_del(document, "SeccompProfile");
    if (host)
        show_capabilities(document, host);
}
