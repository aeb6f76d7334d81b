/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE. */
#include "engine/filter.h"

#include "base/alloc.h"

#include <string.h>

/* The key of filter i, without a '!' of its own kind ("label!" is another key than "label"). */
static char *key_of(const char *filter)
{
    const char *eq = strchr(filter, '=');
    return eq && eq != filter ? xstrndup(filter, (size_t)(eq - filter)) : NULL;
}

int filters_check(const struct strv *filters, const char *const *keys, struct err *err)
{
    for (size_t i = 0; filters && i < filters->len; i++) {
        auto_free char *key = key_of(filters->v[i]);
        if (!key)
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid filter \"%s\": must be KEY=VALUE",
                            filters->v[i]);
        const char *const *known = keys;
        while (*known && strcmp(*known, key) != 0)
            known++;
        if (!*known)
            return err_kind(err, ERR_USAGE, -EINVAL, "%s is an invalid filter", key);
    }
    return 0;
}

int filters_match(const struct strv *filters, filter_fn fn, void *arg, bool *ret_match,
                  struct err *err)
{
    *ret_match = true;
    for (size_t i = 0; filters && i < filters->len; i++) {
        auto_free char *key = key_of(filters->v[i]);
        bool all = strcmp(key, "label") == 0 || strcmp(key, "label!") == 0;
        bool any = false;
        for (size_t j = 0; j < filters->len; j++) {
            auto_free char *other = key_of(filters->v[j]);
            if (!other || strcmp(other, key) != 0 || (all && j != i))
                continue;
            int r = fn(arg, key, filters->v[j] + strlen(key) + 1, err);
            if (r < 0)
                return r;
            any |= r > 0;
        }
        *ret_match &= any;
    }
    return 0;
}

bool filter_label(const json_t *labels, const char *wanted)
{
    const char *eq = strchr(wanted, '=');
    auto_free char *name = eq ? xstrndup(wanted, (size_t)(eq - wanted)) : xstrdup(wanted);
    const json_t *v = json_object_get(labels, name);
    if (!v)
        return false;
    return !eq || (json_is_string(v) && strcmp(json_string_value(v), eq + 1) == 0);
}

int filter_bool(const char *key, const char *value, bool *ret, struct err *err)
{
    static const char *const words[2][7] = {{"0", "f", "F", "false", "FALSE", "False", NULL},
                                            {"1", "t", "T", "true", "TRUE", "True", NULL}};
    for (int b = 0; b < 2; b++)
        for (const char *const *w = words[b]; *w; w++)
            if (strcmp(*w, value) == 0) {
                *ret = b;
                return 0;
            }
    return err_kind(err, ERR_USAGE, -EINVAL, "non-boolean value \"%s\" for the filter %s", value,
                    key);
}
