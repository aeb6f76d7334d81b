/* SPDX-License-Identifier: Apache-2.0 */
/* A health check, from and to JSON and from the command line. */
#include "spec/health.h"

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"Interval", offsetof(struct health_check, interval)},
    {"Timeout", offsetof(struct health_check, timeout)},
    {"StartPeriod", offsetof(struct health_check, start_period)},
    {"StartInterval", offsetof(struct health_check, start_interval)},
    {"Retries", offsetof(struct health_check, retries)},
    {"Successes", offsetof(struct health_check, successes)},
};

#define COUNT (sizeof(numbers) / sizeof(*numbers))

static int64_t *number(struct health_check *h, size_t i)
{
    return (int64_t *)((char *)h + numbers[i].offset);
}

int health_check_parse(const json_t *object, struct health_check *ret, struct err *err)
{
    auto_done(health_check) struct health_check h = {0};
    if (!json_is_object(object))
        return err_set(err, -EINVAL, "Healthcheck is not an object");
    int r = json_want_strv(object, "Test", &h.test, err);
    for (size_t i = 0; r == 0 && i < COUNT; i++) {
        r = json_want_int(object, numbers[i].name, number(&h, i), err);
        if (r == 0 && *number(&h, i) < 0)
            r = err_set(err, -EINVAL, "%s is below 0", numbers[i].name);
    }
    if (r < 0)
        return err ? err_wrap(err, "Healthcheck") : r;
    *ret = h;
    h = (struct health_check){0};
    return 0;
}

void health_check_done(struct health_check *h)
{
    strv_done(&h->test);
    *h = (struct health_check){0};
}

json_t *health_check_json(const struct health_check *h)
{
    json_t *o = json_object();
    if (h->test.len)
        json_put(o, "Test", json_from_strv(&h->test));
    for (size_t i = 0; i < COUNT; i++) {
        int64_t n = *number((struct health_check *)h, i);
        if (n)
            json_put(o, numbers[i].name, json_integer(n));
    }
    return o;
}

enum kind { KIND_NONE, KIND_CMD, KIND_SHELL, KIND_OTHER };

static const char *const kinds[] = {"NONE", "CMD", "CMD-SHELL"};

static enum kind kind_of(const char *word, size_t len)
{
    for (size_t i = 0; i < KIND_OTHER; i++)
        if (strlen(kinds[i]) == len && strncasecmp(kinds[i], word, len) == 0)
            return i;
    return KIND_OTHER;
}

/* A word alone is for the shell, several are a command. */
static void from_array(const struct strv *words, struct strv *ret)
{
    enum kind kind = kind_of(words->v[0], strlen(words->v[0]));
    size_t first = kind != KIND_OTHER;
    if (kind == KIND_OTHER)
        kind = words->len == 1 ? KIND_SHELL : KIND_CMD;
    strv_add(ret, kinds[kind]);
    for (size_t i = first; kind != KIND_NONE && i < words->len; i++)
        strv_add(ret, words->v[i]);
}

static void from_text(const char *text, struct strv *ret)
{
    static const char blank[] = " \t\n\v\f\r";
    size_t len = strcspn(text, " ");
    enum kind kind = kind_of(text, len);
    strv_add(ret, kinds[kind == KIND_OTHER ? KIND_SHELL : kind]);
    if (kind == KIND_OTHER)
        strv_add(ret, text);
    else if (kind == KIND_SHELL && text[len])
        strv_add(ret, text + len + 1);
    for (const char *p = text + len; kind == KIND_CMD && *(p += strspn(p, blank));) {
        size_t n = strcspn(p, blank);
        strv_add_owned(ret, xstrndup(p, n));
        p += n;
    }
}

static bool array_of_words(const char *text, struct strv *ret)
{
    auto_json json_t *array = NULL;
    size_t i;
    json_t *word;
    if (json_parse(text, strlen(text), &array, NULL) < 0 || !json_is_array(array))
        return false;
    json_array_foreach (array, i, word)
        if (!json_is_string(word))
            return false;
    json_array_foreach (array, i, word)
        strv_add(ret, json_string_value(word));
    return true;
}

int health_test_parse(const char *text, struct strv *ret, struct err *err)
{
    auto_strv words = {0}, test = {0}, command = {0};
    if (!array_of_words(text, &words))
        from_text(text, &test);
    else if (words.len)
        from_array(&words, &test);
    bool none = test.len && strcmp(test.v[0], kinds[KIND_NONE]) == 0;
    if (!none && health_test_command(&test, &command) < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "health check \"%.100s\": there is no command",
                        text);
    strv_extend(ret, &test);
    return 0;
}

int health_test_command(const struct strv *test, struct strv *ret)
{
    if (test->len == 0 || !*test->v[0])
        return -ENOENT;
    enum kind kind = kind_of(test->v[0], strlen(test->v[0]));
    size_t first = kind != KIND_OTHER; /* other tools leave the word in front out */
    if (kind == KIND_NONE || test->len <= first || !*test->v[first])
        return -ENOENT;
    if (kind == KIND_SHELL) {
        auto_strv rest = {0};
        for (size_t i = first; i < test->len; i++)
            strv_add(&rest, test->v[i]);
        strv_add(ret, "/bin/sh");
        strv_add(ret, "-c");
        strv_add_owned(ret, strv_join(&rest, " "));
        return 0;
    }
    for (size_t i = first; i < test->len; i++)
        strv_add(ret, test->v[i]);
    return 0;
}
