/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: what it says of a name. Reading files is registries_load.c. */
#include "spec/registries.h"

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>

static void rule_done(struct registry_rule *rule)
{
    free(rule->prefix);
    free(rule->location);
    for (size_t i = 0; i < rule->n_mirrors; i++)
        free(rule->mirrors[i].location);
    free(rule->mirrors);
    *rule = (struct registry_rule){0};
}
DEFINE_AUTO(registry_rule, rule_done)

void registries_init(struct registries *r)
{
    *r = (struct registries){.aliases = json_object()};
    strv_add(&r->search, "docker.io");
}

void registries_done(struct registries *r)
{
    strv_done(&r->search);
    strv_done(&r->helpers);
    json_decref(r->aliases);
    for (size_t i = 0; i < r->n_rules; i++)
        rule_done(&r->rules[i]);
    free(r->rules);
    *r = (struct registries){0};
}

/* --- reading ------------------------------------------------------------------------------ */

/* "host[:port][/path]", as the beginning of a reference. */
static int check_location(const char *s, const char *key, struct err *err)
{
    size_t host = strcspn(s, "/");
    auto_free char *ref = s[host] ? xstrdup(s) : xasprintf("%s/x", s);
    auto_done(image_ref) struct image_ref parsed = {0};
    bool ok = !strpbrk(s, "@ \t") && s[0] && s[strlen(s) - 1] != '/';
    if (ok && !strpbrk(ref, ".:") && strncmp(ref, "localhost/", 10) != 0) {
        char *dotted = xasprintf("%.*s.x%s", (int)strcspn(ref, "/"), ref, strchr(ref, '/'));
        free(ref); /* a host without a dot is one here */
        ref = dotted;
    }
    if (!ok || image_ref_parse(ref, &parsed, NULL) < 0)
        return err_set(err, -EINVAL, "%s = \"%.200s\" is no registry or place in one", key, s);
    return 0;
}

static int check_prefix(const char *s, struct err *err)
{
    if (strncmp(s, "*.", 2) != 0)
        return check_location(s, "prefix", err);
    if (strchr(s, '/'))
        return err_set(err, -EINVAL, "prefix = \"%.200s\": * stands for hosts only, without a path",
                       s);
    return check_location(s + 2, "prefix", err);
}

static int parse_use(const json_t *j, bool digest_only, enum mirror_use *ret, struct err *err)
{
    auto_free char *use = NULL;
    int r = json_want_string(j, "pull-from-mirror", &use, err);
    if (r < 0)
        return r;
    if (!use || !*use)
        *ret = digest_only ? MIRROR_DIGEST_ONLY : MIRROR_ALL;
    else if (digest_only)
        return err_set(err, -EINVAL,
                       "pull-from-mirror cannot be used together with mirror-by-digest-only");
    else if (strcmp(use, "all") == 0)
        *ret = MIRROR_ALL;
    else if (strcmp(use, "digest-only") == 0)
        *ret = MIRROR_DIGEST_ONLY;
    else if (strcmp(use, "tag-only") == 0)
        *ret = MIRROR_TAG_ONLY;
    else
        return err_set(err, -EINVAL,
                       "pull-from-mirror = \"%.50s\": must be all, digest-only or tag-only", use);
    return 0;
}

static int parse_mirror(const json_t *j, bool digest_only, struct registry_mirror *ret,
                        struct err *err)
{
    int r = json_want_string(j, "location", &ret->location, err);
    if (r == 0 && !ret->location)
        r = err_set(err, -EINVAL, "a mirror has no location");
    if (r == 0)
        r = check_location(ret->location, "location", err);
    if (r == 0)
        r = json_want_bool(j, "insecure", &ret->insecure, err);
    return r < 0 ? r : parse_use(j, digest_only, &ret->use, err);
}

static int parse_mirrors(const json_t *j, struct registry_rule *rule, struct err *err)
{
    const json_t *list = NULL;
    bool digest_only = false;
    int r = json_want_bool(j, "mirror-by-digest-only", &digest_only, err);
    if (r == 0)
        r = json_want_array(j, "mirror", &list, err);
    if (r < 0)
        return r;
    size_t n = list ? json_array_size(list) : 0;
    rule->mirrors = xcalloc(n, sizeof(*rule->mirrors));
    for (; rule->n_mirrors < n && r == 0; rule->n_mirrors++)
        r = parse_mirror(json_array_get(list, rule->n_mirrors), digest_only,
                         &rule->mirrors[rule->n_mirrors], err);
    return r;
}

static int parse_rule(const json_t *j, struct registry_rule *rule, struct err *err)
{
    int r = json_want_string(j, "prefix", &rule->prefix, err);
    if (r == 0)
        r = json_want_string(j, "location", &rule->location, err);
    if (r == 0 && rule->location)
        r = check_location(rule->location, "location", err);
    if (r < 0)
        return r;
    if (!rule->prefix || !*rule->prefix) {
        if (!rule->location)
            return err_set(err, -EINVAL, "a [[registry]] has neither prefix nor location");
        free(rule->prefix);
        rule->prefix = xstrdup(rule->location);
    }
    r = check_prefix(rule->prefix, err);
    if (r == 0 && !rule->location && rule->prefix[0] != '*')
        rule->location = xstrdup(rule->prefix);
    if (r == 0)
        r = json_want_bool(j, "insecure", &rule->insecure, err);
    if (r == 0)
        r = json_want_bool(j, "blocked", &rule->blocked, err);
    return r < 0 ? r : parse_mirrors(j, rule, err);
}

static void put_rule(struct registries *r, struct registry_rule *rule)
{
    size_t i = 0;
    while (i < r->n_rules && strcmp(r->rules[i].prefix, rule->prefix) != 0)
        i++;
    if (i < r->n_rules) {
        rule_done(&r->rules[i]);
    } else {
        r->rules = xrealloc(r->rules, r->n_rules + 1, sizeof(*r->rules));
        r->n_rules++;
    }
    r->rules[i] = *rule;
    *rule = (struct registry_rule){0};
}

static int merge_rules(struct registries *r, const json_t *file, struct err *err)
{
    const json_t *list = NULL;
    int q = json_want_array(file, "registry", &list, err);
    for (size_t i = 0; q == 0 && list && i < json_array_size(list); i++) {
        auto_done(registry_rule) struct registry_rule rule = {0};
        q = parse_rule(json_array_get(list, i), &rule, err);
        if (q == 0)
            put_rule(r, &rule);
    }
    return q;
}

static int check_alias(const char *name, const json_t *value, struct err *err)
{
    auto_done(image_ref) struct image_ref key = {0}, target = {0};
    const char *text = json_string_value(value);
    if (!text)
        return err_set(err, -EINVAL, "alias \"%.200s\" is not a string", name);
    int r = image_ref_parse(name, &key, err);
    if (r == 0 && *text) /* an empty one takes an alias away */
        r = image_ref_parse(text, &target, err);
    if (r < 0)
        return err ? err_wrap(err, "alias \"%.200s\"", name) : r;
    if (!key.short_name || key.digest || strchr(name, ':'))
        return err_set(err, -EINVAL, "alias \"%.200s\": must be a name without registry and tag",
                       name);
    const char *slash = strrchr(text, '/');
    if (*text && (target.short_name || target.digest || strchr(slash ? slash : text, ':')))
        return err_set(err, -EINVAL,
                       "alias \"%.200s\" = \"%.200s\": must be a full name without a tag", name,
                       text);
    return 0;
}

int registries_merge_aliases(struct registries *r, const json_t *file, struct err *err)
{
    const json_t *aliases = NULL;
    const char *name;
    json_t *value;
    int q = json_want_object(file, "aliases", &aliases, err);
    if (q < 0 || !aliases)
        return q;
    json_object_foreach ((json_t *)aliases, name, value) {
        q = check_alias(name, value, err);
        if (q < 0)
            return q;
    }
    json_object_update(r->aliases, (json_t *)aliases);
    return 0;
}

static int merge_search(struct registries *r, const json_t *file, struct err *err)
{
    auto_strv search = {0};
    if (!json_object_get(file, "unqualified-search-registries"))
        return 0;
    int q = json_want_strv(file, "unqualified-search-registries", &search, err);
    strv_foreach (&search, one)
        q = q < 0 ? q : check_location(one, "unqualified-search-registries", err);
    if (q < 0)
        return q;
    strv_clear(&r->search);
    strv_extend(&r->search, &search);
    return 0;
}

bool credential_helper_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *name && strspn(name, allowed) == strlen(name);
}

static int merge_helpers(struct registries *r, const json_t *file, struct err *err)
{
    auto_strv helpers = {0};
    int q = json_want_strv(file, "credential-helpers", &helpers, err);
    for (size_t i = 0; q == 0 && i < helpers.len; i++)
        if (!credential_helper_valid(helpers.v[i]))
            q = err_set(err, -EINVAL,
                        "credential-helpers: \"%.100s\" is no name of a credential helper",
                        helpers.v[i]);
    if (q < 0 || helpers.len == 0)
        return q;
    strv_clear(&r->helpers);
    strv_extend(&r->helpers, &helpers);
    return 0;
}

static int merge_mode(struct registries *r, const json_t *file, struct err *err)
{
    static const char *const modes[] = {"permissive", "enforcing", "disabled"};
    auto_free char *mode = NULL;
    int q = json_want_string(file, "short-name-mode", &mode, err);
    if (q < 0 || !mode || !*mode)
        return q;
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        if (strcmp(mode, modes[i]) == 0) {
            r->mode = (enum short_name_mode)i;
            return 0;
        }
    }
    return err_set(err, -EINVAL,
                   "short-name-mode = \"%.50s\": must be enforcing, permissive or disabled", mode);
}

int registries_merge(struct registries *r, const json_t *file, struct err *err)
{
    if (json_object_get(file, "registries"))
        return err_set(err, -ENOTSUP,
                       "it is in the form of version 1 ([registries.search]): write "
                       "unqualified-search-registries and [[registry]] tables");
    int q = merge_search(r, file, err);
    if (q == 0)
        q = merge_helpers(r, file, err);
    if (q == 0)
        q = merge_mode(r, file, err);
    if (q == 0)
        q = registries_merge_aliases(r, file, err);
    return q < 0 ? q : merge_rules(r, file, err);
}

/* --- short names -------------------------------------------------------------------------- */

/* "name" of "name:tag@digest" as it was typed, and the rest in *ret_version. */
static char *typed_name(const char *typed, const char **ret_version)
{
    const char *slash = strrchr(typed, '/');
    const char *end = strpbrk(slash ? slash : typed, ":@");
    *ret_version = end ? end : typed + strlen(typed);
    return xstrndup(typed, (size_t)(*ret_version - typed));
}

static int add_candidate(const char *place, const char *sep, const char *rest, struct strv *ret,
                         struct err *err)
{
    auto_free char *text = xasprintf("%s%s%s", place, sep, rest);
    auto_done(image_ref) struct image_ref ref = {0};
    int r = image_ref_parse(text, &ref, err);
    if (r == 0)
        strv_add_owned(ret, image_ref_string(&ref));
    return r;
}

static int no_single_registry(const struct registries *r, const char *name, struct err *err)
{
    auto_free char *all = strv_join(&r->search, ", ");
    return err_kind(
        err, ERR_USAGE, -EINVAL,
        "short name \"%.200s\": registries.conf has short-name-mode = \"enforcing\" and "
        "more than one registry (%.300s): write the full name, as %.100s/%.200s",
        name, all, r->search.v[0], name);
}

int registries_resolve(const struct registries *r, const char *name, struct strv *ret,
                       struct err *err)
{
    auto_done(image_ref) struct image_ref ref = {0};
    int q = image_ref_parse(name, &ref, err);
    if (q < 0)
        return q;
    if (!ref.short_name) {
        strv_add_owned(ret, image_ref_string(&ref));
        return 0;
    }
    const char *version;
    auto_free char *bare = typed_name(name, &version);
    const char *alias = json_get_string(r->aliases, bare, "");
    if (*alias)
        return add_candidate(alias, "", version, ret, err);
    if (r->search.len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "short name \"%.200s\": registries.conf has no alias for it and no "
                        "unqualified-search-registries: write the full name, as docker.io/%.200s",
                        name, name);
    if (r->mode == SHORT_NAMES_ENFORCING && r->search.len > 1)
        return no_single_registry(r, name, err);
    for (size_t i = 0; i < r->search.len && q == 0; i++)
        q = add_candidate(r->search.v[i], "/", name, ret, err);
    return q;
}

/* --- where an image is -------------------------------------------------------------------- */

/* Bytes of `name` ("host[:port]/path") that the prefix covers, 0: it does not. */
static size_t prefix_covers(const char *prefix, const char *name)
{
    size_t len = strlen(prefix);
    if (prefix[0] != '*')
        return strncmp(name, prefix, len) == 0 && strchr("/:@", name[len]) ? len : 0;
    /* "*.example.com" or "*.example.com:5000": the whole host, and the port when it names one. */
    size_t host = strcspn(name, ":/"), whole = strcspn(name, "/");
    size_t covered = strchr(prefix, ':') ? whole : host;
    if (covered <= len - 1 || strncmp(name + covered - (len - 1), prefix + 1, len - 1) != 0)
        return 0;
    return covered;
}

const struct registry_rule *registries_find(const struct registries *r, const struct image_ref *ref)
{
    auto_free char *name = image_ref_string(ref);
    const struct registry_rule *best = NULL;
    for (size_t i = 0; i < r->n_rules; i++)
        if (prefix_covers(r->rules[i].prefix, name) &&
            (!best || strlen(r->rules[i].prefix) > strlen(best->prefix)))
            best = &r->rules[i];
    return best;
}

static void add_endpoint(struct registry_endpoints *e, const char *location, const char *rest,
                         bool insecure)
{
    auto_free char *whole = xasprintf("%s%s", location, rest);
    char *slash = strchr(whole, '/'), *end = NULL;
    if (!slash) /* a rule's location that is a host alone, and a prefix that was all of the name */
        return;
    *slash = 0;
    /* A tag or digest that the prefix ended before is not part of the repository. */
    end = strpbrk(slash + 1, ":@");
    if (end)
        *end = 0;
    e->v = xrealloc(e->v, e->n + 1, sizeof(*e->v));
    e->v[e->n++] = (struct registry_endpoint){
        .registry = xstrdup(whole), .repository = xstrdup(slash + 1), .insecure = insecure};
}

void registry_endpoints_done(struct registry_endpoints *e)
{
    for (size_t i = 0; i < e->n; i++) {
        free(e->v[i].registry);
        free(e->v[i].repository);
    }
    free(e->v);
    *e = (struct registry_endpoints){0};
}

static bool mirror_applies(const struct registry_mirror *m, const struct image_ref *ref)
{
    return m->use == MIRROR_ALL || (m->use == MIRROR_DIGEST_ONLY) == (ref->digest != NULL);
}

int registries_endpoints(const struct registries *r, const struct image_ref *ref,
                         struct registry_endpoints *ret, struct err *err)
{
    const struct registry_rule *rule = registries_find(r, ref);
    auto_done(registry_endpoints) struct registry_endpoints e = {0};
    auto_free char *name = image_ref_string(ref);
    if (!rule) {
        add_endpoint(&e, "", name, false);
    } else if (rule->blocked) {
        return err_set(err, -EACCES, "%s is blocked in registries.conf (prefix \"%s\")", name,
                       rule->prefix);
    } else {
        const char *rest = name + prefix_covers(rule->prefix, name);
        for (size_t i = 0; i < rule->n_mirrors; i++)
            if (mirror_applies(&rule->mirrors[i], ref))
                add_endpoint(&e, rule->mirrors[i].location, rest, rule->mirrors[i].insecure);
        add_endpoint(&e, rule->location ? rule->location : "", rule->location ? rest : name,
                     rule->insecure);
    }
    if (e.n == 0)
        return err_set(err, -EINVAL, "%s: registries.conf leaves no repository to ask", name);
    *ret = e;
    e = (struct registry_endpoints){0};
    return 0;
}
