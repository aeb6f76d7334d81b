/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the container's log. */
#include "base/file.h"
#include "runtime/k8s_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define T "2026-11-24T03:42:00.123456789Z "

static const struct {
    const char *data, *lines;
} rows[] = {
    {"", ""},
    {"one\n", T "stdout F one\n"},
    {"one\ntwo\n", T "stdout F one\n" T "stdout F two\n"},
    {"part", T "stdout P part\n"},
    {"one\npart", T "stdout F one\n" T "stdout P part\n"},
    {"\n\n", T "stdout F \n" T "stdout F \n"},
    {"tab\there \r\n", T "stdout F tab\there \r\n"},
};

static void formats(void **state)
{
    struct timespec t;
    assert_int_equal(time_parse("2026-11-24T03:42:00.123456789Z", &t), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_buf out = {0};
        k8s_log_format(&out, t, "stdout", rows[i].data, strlen(rows[i].data));
        assert_string_equal(buf_str(&out), rows[i].lines);
    }
}

#define J(text)                                                                                    \
    "{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"2026-11-24T03:42:00.123456789Z\"}\n"

static const struct {
    const char *data, *lines;
} json_rows[] = {
    {"", ""},
    {"one\ntwo", J("one\\n") J("two")},
    {"\"\\\t\x01", J("\\\"\\\\\\u0009\\u0001")},
    {"\xc3\xa4", J("\xc3\xa4")},
    /* not UTF-8: a lone byte, an overlong form, a surrogate, one that is cut off */
    {"\xff", J("\xef\xbf\xbd")},
    {"\xc0\x80", J("\xef\xbf\xbd\xef\xbf\xbd")},
    {"\xed\xa0\x80", J("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
    {"\xe2\x82", J("\xef\xbf\xbd\xef\xbf\xbd")},
};

static void formats_json(void **state)
{
    struct timespec t;
    assert_int_equal(time_parse("2026-11-24T03:42:00.123456789Z", &t), 0);
    for (size_t i = 0; i < sizeof(json_rows) / sizeof(*json_rows); i++) {
        auto_buf out = {0};
        json_log_format(&out, t, "stdout", json_rows[i].data, strlen(json_rows[i].data));
        assert_string_equal(buf_str(&out), json_rows[i].lines);
    }
}

static void keeps_nul_bytes(void **state)
{
    auto_buf out = {0};
    struct timespec t = {0};
    k8s_log_format(&out, t, "stderr", "a\0b\n", 4);
    assert_memory_equal(out.data + out.len - 13, "stderr F a\0b\n", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(formats_json),
                                       cmocka_unit_test(keeps_nul_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
