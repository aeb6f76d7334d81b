/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.h: hostile documents, typed members. */
#include "base/json.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

static json_t *parse(const char *text)
{
    json_t *j = NULL;
    struct err err = {0};
    if (json_parse(text, strlen(text), &j, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return j;
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "{}x",
        "nonsense",
        "{\"a\":1,\"a\":2}",
        "[1,]",
        "\"text\\ud800\"",
        "{'a':1}",
        "{\"a\":\"\xff\xfe\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        json_t *j = NULL;
        struct err err = {0};
        assert_int_equal(json_parse(bad[i], strlen(bad[i]), &j, &err), -EINVAL);
        assert_null(j);
        assert_non_null(strstr(err.message, "invalid JSON"));
    }
    /* A tower of brackets must not be a tower of stack frames. */
    auto_buf deep = {0};
    for (int i = 0; i < 100000; i++)
        buf_add_char(&deep, '[');
    json_t *j = NULL;
    assert_int_equal(json_parse(deep.data, deep.len, &j, NULL), -EINVAL);
}

/* Small documents that are large in memory; what is in strings is none of it. */
static void test_values(void **state)
{
    auto_buf many = {0}, text = {0};
    json_t *j = NULL;
    struct err err = {0};
    buf_add_str(&many, "[{}");
    buf_add_str(&text, "[\"\\\"");
    for (int i = 0; i < JSON_VALUES_MAX; i++) {
        buf_add_str(&many, ",{}");
        buf_add_str(&text, ",{}");
    }
    buf_add_str(&many, "]");
    buf_add_str(&text, "\"]");
    assert_int_equal(json_parse(many.data, many.len, &j, &err), -EFBIG);
    assert_null(j);
    assert_int_equal(json_parse(text.data, text.len, &j, NULL), 0);
    json_decref(j);
}

static void test_string(void **state)
{
    static const struct {
        const char *document;
        int result;
        const char *value;
    } rows[] = {
        {"{\"k\":\"v\"}", 0, "v"},           {"{\"k\":\"\"}", 0, ""},
        {"{\"k\":null}", 0, "before"},       {"{}", 0, "before"},
        {"{\"k\":1}", -EINVAL, "before"},    {"{\"k\":[\"v\"]}", -EINVAL, "before"},
        {"{\"k\":true}", -EINVAL, "before"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_json json_t *j = parse(rows[i].document);
        auto_free char *v = strdup("before");
        struct err err = {0};
        assert_int_equal(json_want_string(j, "k", &v, &err), rows[i].result);
        assert_string_equal(v, rows[i].value);
        if (rows[i].result)
            assert_non_null(strstr(err.message, "\"k\""));
    }
}

static void test_string_with_nul(void **state)
{
    auto_json json_t *j = json_object();
    json_object_set_new(j, "k", json_stringn("a\0b", 3));
    auto_free char *v = NULL;
    assert_int_equal(json_want_string(j, "k", &v, NULL), -EINVAL);
    json_object_set_new(j, "l", json_pack("[o]", json_stringn("a\0b", 3)));
    auto_strv sv = {0};
    assert_int_equal(json_want_strv(j, "l", &sv, NULL), -EINVAL);
    assert_int_equal(sv.len, 0);
}

static void test_int_and_bool(void **state)
{
    static const struct {
        const char *document;
        int int_result;
        int64_t number;
        int bool_result;
        bool truth;
    } rows[] = {
        {"{\"k\":5}", 0, 5, -EINVAL, true},
        {"{\"k\":-9223372036854775808}", 0, INT64_MIN, -EINVAL, true},
        {"{\"k\":1.5}", -EINVAL, 77, -EINVAL, true},
        {"{\"k\":\"5\"}", -EINVAL, 77, -EINVAL, true},
        {"{\"k\":false}", -EINVAL, 77, 0, false},
        {"{\"k\":true}", -EINVAL, 77, 0, true},
        {"{\"k\":null}", 0, 77, 0, true},
        {"{}", 0, 77, 0, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_json json_t *j = parse(rows[i].document);
        int64_t n = 77;
        bool b = true;
        assert_int_equal(json_want_int(j, "k", &n, NULL), rows[i].int_result);
        assert_true(n == rows[i].number);
        assert_int_equal(json_want_bool(j, "k", &b, NULL), rows[i].bool_result);
        assert_int_equal(b, rows[i].truth);
    }
}

static void test_strv(void **state)
{
    static const struct {
        const char *document;
        int result;
        const char *joined;
    } rows[] = {
        {"{\"k\":[\"a\",\"b\"]}", 0, "before,a,b"},
        {"{\"k\":[]}", 0, "before"},
        {"{\"k\":null}", 0, "before"},
        {"{}", 0, "before"},
        {"{\"k\":[\"a\",1]}", -EINVAL, "before"},
        {"{\"k\":\"a\"}", -EINVAL, "before"},
        {"{\"k\":{\"a\":1}}", -EINVAL, "before"},
        {"{\"k\":[null]}", -EINVAL, "before"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_json json_t *j = parse(rows[i].document);
        auto_strv sv = {0};
        strv_add(&sv, "before");
        assert_int_equal(json_want_strv(j, "k", &sv, NULL), rows[i].result);
        auto_free char *joined = strv_join(&sv, ",");
        assert_string_equal(joined, rows[i].joined);
    }
}

static void test_containers(void **state)
{
    auto_json json_t *j = parse("{\"o\":{\"x\":1},\"a\":[1],\"n\":null,\"s\":\"t\"}");
    const json_t *v = j;
    assert_int_equal(json_want_object(j, "o", &v, NULL), 0);
    assert_true(json_is_object(v));
    assert_int_equal(json_want_array(j, "a", &v, NULL), 0);
    assert_true(json_is_array(v));
    assert_int_equal(json_want_object(j, "a", &v, NULL), -EINVAL);
    assert_int_equal(json_want_array(j, "o", &v, NULL), -EINVAL);
    assert_int_equal(json_want_object(j, "n", &v, NULL), 0);
    assert_null(v);
    v = j;
    assert_int_equal(json_want_array(j, "missing", &v, NULL), 0);
    assert_null(v);
    assert_string_equal(json_get_string(j, "s", "f"), "t");
    assert_string_equal(json_get_string(j, "o", "f"), "f");
    assert_string_equal(json_get_string(j, "missing", "f"), "f");
    /* What is no object has no members. */
    auto_json json_t *array = parse("[1]");
    assert_int_equal(json_want_object(array, "o", &v, NULL), 0);
    assert_null(v);
}

static void test_text(void **state)
{
    auto_json json_t *j = json_object();
    json_put_string(j, "b", "2");
    json_put_string(j, "a", "1");
    json_put_string(j, "none", NULL);
    json_put(j, "bad", json_from_string("x\xffy"));
    auto_free char *text = json_text(j);
    assert_string_equal(text, "{\"a\":\"1\",\"b\":\"2\",\"bad\":\"x?y\"}");
}

static void test_file(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    auto_json json_t *j = parse("{\"k\":[1,\"\\u00e9\"]}");
    assert_int_equal(json_write_at(s->fd, "f", j, 0, &err), 0);
    json_t *back = NULL;
    assert_int_equal(json_read_at(s->fd, "f", &back, &err), 0);
    assert_true(json_equal(j, back));
    json_decref(back);
    struct stat st;
    fstatat(s->fd, "f", &st, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    scratch_write(s->fd, "bad", "{");
    assert_int_equal(json_read_at(s->fd, "bad", &back, &err), -EINVAL);
    assert_non_null(strstr(err.message, "bad"));
    assert_true(json_read_at(s->fd, "bad", &back, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_string),
        cmocka_unit_test(test_string_with_nul),
        cmocka_unit_test(test_int_and_bool),
        cmocka_unit_test(test_strv),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_text),
        scratch_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
