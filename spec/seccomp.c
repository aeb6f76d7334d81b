/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles in JSON.
 *
 * Should: take what podman takes, and leave out the rules that are for other machines.
 * Mustn't: understand something else than was written: what cannot be done is an error. */
#include "spec/seccomp.h"

#include "base/alloc.h"
#include "base/json.h"
#include "spec/capability.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

struct named {
    const char *name;
    int value;
};

static const struct named actions[] = {
    {"SCMP_ACT_KILL", SECCOMP_DO_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_DO_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_DO_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SECCOMP_DO_TRAP},
    {"SCMP_ACT_ERRNO", SECCOMP_DO_ERRNO},
    {"SCMP_ACT_TRACE", SECCOMP_DO_TRACE},
    {"SCMP_ACT_LOG", SECCOMP_DO_LOG},
    {"SCMP_ACT_ALLOW", SECCOMP_DO_ALLOW},
};

static const struct named operators[] = {
    {"SCMP_CMP_NE", SECCOMP_OP_NE},
    {"SCMP_CMP_LT", SECCOMP_OP_LT},
    {"SCMP_CMP_LE", SECCOMP_OP_LE},
    {"SCMP_CMP_EQ", SECCOMP_OP_EQ},
    {"SCMP_CMP_GE", SECCOMP_OP_GE},
    {"SCMP_CMP_GT", SECCOMP_OP_GT},
    {"SCMP_CMP_MASKED_EQ", SECCOMP_OP_MASKED_EQ},
};

/* Those that profiles name; others can be given as a number (errnoRet). */
static const struct named errnos[] = {
    {"EPERM", EPERM},
    {"ENOSYS", ENOSYS},
    {"EACCES", EACCES},
    {"EINVAL", EINVAL},
    {"ENOENT", ENOENT},
    {"EAGAIN", EAGAIN},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"ENOTSUP", ENOTSUP},
    {"EBADF", EBADF},
    {"EFAULT", EFAULT},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
};

/* What Go (arches, archMap's keys are libseccomp's) and uname call a machine. */
static const struct {
    const char *machine, *go, *scmp;
} machines[] = {
    {"x86_64", "amd64", "SCMP_ARCH_X86_64"},
    {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
    {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
    {"s390x", "s390x", "SCMP_ARCH_S390X"},
    {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
    {"armv7l", "arm", "SCMP_ARCH_ARM"},
    {"i686", "386", "SCMP_ARCH_X86"},
};

static int lookup(const struct named *table, size_t n, const char *what, const char *name, int *ret,
                  struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0) {
            *ret = table[i].value;
            return 0;
        }
    return err_set(err, -EINVAL, "unknown or unsupported %s \"%.64s\"", what, name);
}

/* The action in obj[key], and the number that belongs to it: obj[number_key], or by its name in
 * obj[name_key]. */
static int parse_action(const json_t *obj, const char *key, const char *number_key,
                        const char *name_key, enum seccomp_action *ret, uint16_t *ret_number,
                        struct err *err)
{
    auto_free char *name = NULL, *errno_name = NULL;
    int64_t number = EPERM;
    int action = 0, code = 0;
    int r = json_want_string(obj, key, &name, err);
    if (r == 0 && !name)
        return err_set(err, -EINVAL, "%s is missing", key);
    if (r == 0)
        r = lookup(actions, COUNT(actions), "action", name, &action, err);
    if (r == 0)
        r = json_want_int(obj, number_key, &number, err);
    if (r == 0)
        r = json_want_string(obj, name_key, &errno_name, err);
    if (r == 0 && errno_name && *errno_name && !json_object_get(obj, number_key)) {
        r = lookup(errnos, COUNT(errnos), "errno", errno_name, &code, err);
        number = code;
    }
    if (r < 0)
        return r;
    if (number < 0 || number > UINT16_MAX)
        return err_set(err, -ERANGE, "%s is out of range", number_key);
    *ret = (enum seccomp_action)action;
    *ret_number = (uint16_t)number;
    return 0;
}

static int parse_arg(const json_t *obj, struct seccomp_arg *ret, struct err *err)
{
    auto_free char *op = NULL;
    int64_t index = -1, value = 0, two = 0;
    int number = 0;
    int r = json_want_int(obj, "index", &index, err);
    if (r == 0)
        r = json_want_int(obj, "value", &value, err);
    if (r == 0)
        r = json_want_int(obj, "valueTwo", &two, err);
    if (r == 0)
        r = json_want_string(obj, "op", &op, err);
    if (r == 0)
        r = lookup(operators, COUNT(operators), "operator", op ? op : "", &number, err);
    if (r < 0)
        return r;
    if (index < 0 || index >= SECCOMP_ARGS_MAX)
        return err_set(err, -ERANGE, "an argument's index is not 0 to %d", SECCOMP_ARGS_MAX - 1);
    *ret = (struct seccomp_arg){.index = (unsigned)index,
                                .op = (enum seccomp_op)number,
                                .value = (uint64_t)value,
                                .value_two = (uint64_t)two};
    return 0;
}

static int parse_args(const json_t *obj, struct seccomp_rule *rule, struct err *err)
{
    const json_t *args = NULL;
    int r = json_want_array(obj, "args", &args, err);
    if (r < 0 || !args)
        return r;
    if (json_array_size(args) > SECCOMP_ARGS_MAX)
        return err_set(err, -E2BIG, "more than %d arguments", SECCOMP_ARGS_MAX);
    for (size_t i = 0; r == 0 && i < json_array_size(args); i++)
        r = parse_arg(json_array_get(args, i), &rule->args[rule->n_args++], err);
    return r;
}

static const char *go_name(const char *machine)
{
    for (size_t i = 0; i < COUNT(machines); i++)
        if (strcmp(machines[i].machine, machine) == 0)
            return machines[i].go;
    return machine;
}

/* How much of obj (includes or excludes) is true here: the architecture, all or any of the
 * capabilities. A kernel that is asked for is part of `includes` only. */
static int place_matches(const json_t *obj, const struct seccomp_place *place, bool *ret_arch,
                         bool *ret_all_caps, bool *ret_any_cap, struct err *err)
{
    auto_strv arches = {0}, caps = {0};
    int r = json_want_strv(obj, "arches", &arches, err);
    if (r == 0)
        r = json_want_strv(obj, "caps", &caps, err);
    if (r < 0)
        return r;
    uint64_t wanted = capability_set(&caps);
    *ret_arch = strv_contains(&arches, go_name(place->machine));
    *ret_any_cap = wanted & place->caps;
    /* A capability that has no name here is one that no container has. */
    *ret_all_caps =
        (wanted & place->caps) == wanted && (size_t)__builtin_popcountll(wanted) == caps.len;
    if (arches.len == 0)
        *ret_arch = false;
    return 0;
}

static bool kernel_older(const char *min, const struct seccomp_place *place)
{
    unsigned major = 0, minor = 0;
    if (sscanf(min, "%u.%u", &major, &minor) < 1)
        return false;
    return place->kernel[0] < major || (place->kernel[0] == major && place->kernel[1] < minor);
}

/* Whether the rule is for this place. */
static int rule_applies(const json_t *obj, const struct seccomp_place *place, bool *ret,
                        struct err *err)
{
    const json_t *in = NULL, *out = NULL;
    bool arch, all, any, yes = true;
    int r = json_want_object(obj, "includes", &in, err);
    if (r == 0)
        r = json_want_object(obj, "excludes", &out, err);
    if (r == 0 && in) {
        auto_free char *min = NULL;
        const json_t *arches = json_object_get(in, "arches");
        if ((r = place_matches(in, place, &arch, &all, &any, err)) < 0 ||
            (r = json_want_string(in, "minKernel", &min, err)) < 0)
            return r;
        yes = (arch || json_array_size(arches) == 0) && all && !(min && kernel_older(min, place));
    }
    if (r == 0 && out) {
        if ((r = place_matches(out, place, &arch, &all, &any, err)) < 0)
            return r;
        yes = yes && !arch && !any;
    }
    *ret = yes;
    return r;
}

static int parse_rule(const json_t *obj, struct seccomp_rule *rule, struct err *err)
{
    auto_free char *name = NULL;
    int r = json_want_string(obj, "name", &name, err);
    if (r == 0)
        r = json_want_strv(obj, "names", &rule->names, err);
    if (r < 0)
        return r;
    if (name && *name && rule->names.len)
        return err_set(err, -EINVAL, "both name and names are given");
    if (name && *name)
        strv_add(&rule->names, name);
    r = parse_action(obj, "action", "errnoRet", "errno", &rule->action, &rule->number, err);
    return r < 0 ? r : parse_args(obj, rule, err);
}

static int parse_rules(const json_t *root, const struct seccomp_place *place,
                       struct seccomp_policy *p, struct err *err)
{
    const json_t *all = NULL;
    int r = json_want_array(root, "syscalls", &all, err);
    if (r < 0 || !all)
        return r;
    p->rules = xcalloc(json_array_size(all) + 1, sizeof(*p->rules));
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *obj = json_array_get(all, i);
        bool applies = true;
        if (!json_is_object(obj))
            return err_set(err, -EINVAL, "syscalls[%zu] is no object", i);
        r = rule_applies(obj, place, &applies, err);
        if (r == 0 && applies)
            r = parse_rule(obj, &p->rules[p->n_rules++], err);
        if (r < 0)
            return err ? err_wrap(err, "syscalls[%zu]", i) : r;
    }
    return 0;
}

/* From archMap the entry of this machine; or "architectures". */
static int parse_archs(const json_t *root, const char *machine, struct strv *ret, struct err *err)
{
    const json_t *map = NULL;
    int r = json_want_strv(root, "architectures", ret, err);
    if (r == 0)
        r = json_want_array(root, "archMap", &map, err);
    if (r < 0 || json_array_size(map) == 0)
        return r;
    if (ret->len)
        return err_set(err, -EINVAL, "both architectures and archMap are given");
    for (size_t i = 0; r == 0 && i < json_array_size(map); i++) {
        auto_free char *native = NULL;
        const json_t *entry = json_array_get(map, i);
        r = json_want_string(entry, "architecture", &native, err);
        for (size_t m = 0; r == 0 && native && m < COUNT(machines); m++)
            if (strcmp(machines[m].scmp, native) == 0 &&
                strcmp(machines[m].machine, machine) == 0) {
                strv_add(ret, native);
                r = json_want_strv(entry, "subArchitectures", ret, err);
            }
    }
    return r;
}

/* We load the program ourselves, for one thread: TSYNC has nothing to do. */
static int check_flags(const json_t *root, struct err *err)
{
    auto_strv flags = {0};
    int r = json_want_strv(root, "flags", &flags, err);
    for (size_t i = 0; r == 0 && i < flags.len; i++)
        if (strcmp(flags.v[i], "SECCOMP_FILTER_FLAG_TSYNC") != 0)
            r = err_set(err, -ENOTSUP, "flag \"%.64s\" is not supported", flags.v[i]);
    if (r == 0 && json_object_get(root, "listenerPath"))
        r = err_set(err, -ENOTSUP, "listenerPath is not supported");
    return r;
}

int seccomp_policy_parse(const char *text, size_t len, const struct seccomp_place *place,
                         struct seccomp_policy *ret, struct err *err)
{
    auto_json json_t *root = NULL;
    auto_done(seccomp_policy) struct seccomp_policy p = {0};
    int r = json_parse(text, len, &root, err);
    if (r == 0 && !json_is_object(root))
        r = err_set(err, -EINVAL, "the profile is no JSON object");
    if (r == 0)
        r = parse_action(root, "defaultAction", "defaultErrnoRet", "defaultErrno", &p.action,
                         &p.number, err);
    if (r == 0)
        r = check_flags(root, err);
    if (r == 0)
        r = parse_archs(root, place->machine, &p.archs, err);
    if (r == 0)
        r = parse_rules(root, place, &p, err);
    if (r < 0)
        return r;
    *ret = p;
    p = (struct seccomp_policy){0};
    return 0;
}

void seccomp_policy_done(struct seccomp_policy *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        strv_done(&p->rules[i].names);
    free(p->rules);
    strv_done(&p->archs);
    *p = (struct seccomp_policy){0};
}
