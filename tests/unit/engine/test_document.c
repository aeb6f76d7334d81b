/* SPDX-License-Identifier: Apache-2.0 */
/* engine/document.h: what is left out of config.json comes back. */
#include "engine/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What is there, what is written of it. */
static const struct {
    const char *document, *written;
} rows[] = {
    {"{'Id': '1', 'Args': [], 'Mounts': []}", "{'Id': '1'}"},
    {"{'Args': ['a'], 'Mounts': [{}]}", "{'Args': ['a'], 'Mounts': [{}]}"},
    {"{'Config': {'Hostname': 'h', 'Tty': false, 'User': '', 'StopTimeout': 10}}",
     "{'Config': {'Hostname': 'h'}}"},
    {"{'Config': {'Tty': true, 'User': 'u', 'StopTimeout': 0, 'StopSignal': 9}}",
     "{'Config': {'Tty': true, 'User': 'u', 'StopTimeout': 0, 'StopSignal': 9}}"},
    {"{'Config': {'Labels': {}}}", "{}"},
    {"{'Config': {'Labels': {'Tty': 'false'}}}", "{'Config': {'Labels': {'Tty': 'false'}}}"},
    {"{'HostConfig': {'RestartPolicy': {'Name': 'no', 'MaximumRetryCount': 0}}}", "{}"},
    {"{'HostConfig': {'RestartPolicy': {'Name': 'always', 'MaximumRetryCount': 0}}}",
     "{'HostConfig': {'RestartPolicy': {'Name': 'always'}}}"},
    {"{'HostConfig': {'RestartPolicy': {'Name': 'no', 'MaximumRetryCount': 2}}}",
     "{'HostConfig': {'RestartPolicy': {'MaximumRetryCount': 2}}}"},
    /* Of another type than the default's: not ours to judge. */
    {"{'Args': null, 'Config': 'text'}", "{'Args': null, 'Config': 'text'}"},
};

/* With '...' for "...". */
static json_t *parse(const char *text)
{
    char copy[512];
    size_t n = 0;
    for (; text[n]; n++)
        copy[n] = text[n] == '\'' ? '"' : text[n];
    json_t *j = json_loadb(copy, n, 0, NULL);
    assert_non_null(j);
    return j;
}

/* Everything of `part` is in `whole`. */
static void assert_within(const json_t *whole, const json_t *part)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)part, key, value) {
        const json_t *there = json_object_get(whole, key);
        assert_non_null(there);
        if (json_is_object(value) && json_object_size(value))
            assert_within(there, value);
        else
            assert_true(json_equal(there, value));
    }
}

static void test_round_trip(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        json_t *document = parse(rows[i].document), *before = parse(rows[i].document);
        json_t *written = parse(rows[i].written);
        document_leave_out_defaults(document);
        assert_true(json_equal(document, written));
        document_add_defaults(document);
        assert_within(document, before);
        json_decref(document);
        json_decref(before);
        json_decref(written);
    }
}

static void test_all_are_added(void **state)
{
    json_t *document = json_object();
    document_add_defaults(document);
    const json_t *host = json_object_get(document, "HostConfig");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(host, "LogConfig"), "Type")), "k8s-file");
    document_leave_out_defaults(document);
    assert_int_equal(json_object_size(document), 0);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_all_are_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
