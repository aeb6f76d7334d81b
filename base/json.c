/* SPDX-License-Identifier: Apache-2.0 */
/* Typed access to JSON. */
#include "base/json.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>

/* Values outside of strings, about: what they take in memory is many times what "{},{},{}" takes.
 */
static bool has_too_many(const char *data, size_t len)
{
    size_t n = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '"')
            in_string = !in_string;
        else if (in_string)
            i += data[i] == '\\';
        else
            n += data[i] == ',' || data[i] == '[' || data[i] == '{';
    }
    return n > JSON_VALUES_MAX;
}

int json_parse(const char *data, size_t len, json_t **ret, struct err *err)
{
    json_error_t e;
    if (len > JSON_VALUES_MAX && has_too_many(data, len))
        return err_set(err, -EFBIG, "JSON with more than %d values", JSON_VALUES_MAX);
    json_t *j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &e);
    if (!j)
        return err_set(err, -EINVAL, "invalid JSON at line %d: %s", e.line, e.text);
    *ret = j;
    return 0;
}

/* Most files fit on the stack: a list reads thousands, and a large block that comes and goes has
 * malloc tidy up each time. A document that is whole needs no second read to find its end. */
static int read_and_parse(int fd, json_t **ret, struct err *err)
{
    char small[4096];
    ssize_t n = read(fd, small, sizeof(small));
    if (n > 0 && (size_t)n < sizeof(small) && json_parse(small, (size_t)n, ret, NULL) == 0)
        return 0;
    auto_buf b = {0};
    if (n > 0)
        buf_add(&b, small, (size_t)n);
    int r = file_read_fd(fd, JSON_LIMIT, &b, err);
    return r < 0 ? r : json_parse(buf_str(&b), b.len, ret, err);
}

int json_read_at(int dirfd, const char *path, json_t **ret, struct err *err)
{
    auto_close int fd = file_open_at(dirfd, path, err);
    if (fd < 0)
        return fd;
    int r = read_and_parse(fd, ret, err);
    return r < 0 && err ? err_wrap(err, "%s", path) : r;
}

char *json_text(const json_t *value)
{
    char *s = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return s ? s : xstrdup("null");
}

int json_write_at(int dirfd, const char *path, const json_t *value, int flags, struct err *err)
{
    auto_free char *s = json_text(value);
    return file_write_at(dirfd, path, s, strlen(s), 0600, flags, err);
}

static int wrong_type(const char *key, const char *wanted, struct err *err)
{
    return err_set(err, -EINVAL, "\"%s\" is not %s", key, wanted);
}

static const json_t *member(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    return v && !json_is_null(v) ? v : NULL;
}

int json_want_string(const json_t *obj, const char *key, char **ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (!v)
        return 0;
    /* A NUL inside would cut the string wherever C reads it: refuse it here, once. */
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        return wrong_type(key, "a string", err);
    free(*ret);
    *ret = xstrdup(json_string_value(v));
    return 0;
}

int json_want_int(const json_t *obj, const char *key, int64_t *ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (!v)
        return 0;
    if (!json_is_integer(v))
        return wrong_type(key, "a whole number", err);
    *ret = json_integer_value(v);
    return 0;
}

int json_want_bool(const json_t *obj, const char *key, bool *ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (!v)
        return 0;
    if (!json_is_boolean(v))
        return wrong_type(key, "true or false", err);
    *ret = json_is_true(v);
    return 0;
}

int json_want_strv(const json_t *obj, const char *key, struct strv *ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (!v)
        return 0;
    if (!json_is_array(v))
        return wrong_type(key, "an array of strings", err);
    auto_strv all = {0};
    size_t i;
    json_t *e;
    json_array_foreach ((json_t *)v, i, e) {
        if (!json_is_string(e) || strlen(json_string_value(e)) != json_string_length(e))
            return wrong_type(key, "an array of strings", err);
        strv_add(&all, json_string_value(e));
    }
    strv_extend(ret, &all);
    return 0;
}

int json_want_object(const json_t *obj, const char *key, const json_t **ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (v && !json_is_object(v))
        return wrong_type(key, "an object", err);
    *ret = v;
    return 0;
}

int json_want_array(const json_t *obj, const char *key, const json_t **ret, struct err *err)
{
    const json_t *v = member(obj, key);
    if (v && !json_is_array(v))
        return wrong_type(key, "an array", err);
    *ret = v;
    return 0;
}

const char *json_get_string(const json_t *obj, const char *key, const char *fallback)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_string(v) ? json_string_value(v) : fallback;
}

bool json_is_text(const char *s)
{
    auto_json json_t *j = json_string(s);
    return j != NULL;
}

json_t *json_from_string(const char *s)
{
    json_t *j = json_string(s);
    if (j)
        return j;
    auto_free char *copy = xstrdup(s);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(copy);
}

json_t *json_from_strv(const struct strv *sv)
{
    json_t *a = json_array();
    for (size_t i = 0; i < sv->len; i++)
        json_array_append_new(a, json_from_string(sv->v[i]));
    return a;
}

void json_put(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value);
}

void json_put_string(json_t *obj, const char *key, const char *s)
{
    if (s)
        json_put(obj, key, json_from_string(s));
}

void json_put_assignments(json_t *obj, const struct strv *words)
{
    for (size_t i = 0; words && i < words->len; i++) {
        const char *eq = strchrnul(words->v[i], '=');
        auto_free char *name = xstrndup(words->v[i], (size_t)(eq - words->v[i]));
        json_put_string(obj, name, *eq ? eq + 1 : "");
    }
}
