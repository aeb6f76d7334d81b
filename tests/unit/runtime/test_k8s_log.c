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

static void keeps_nul_bytes(void **state)
{
    auto_buf out = {0};
    struct timespec t = {0};
    k8s_log_format(&out, t, "stderr", "a\0b\n", 4);
    assert_memory_equal(out.data + out.len - 13, "stderr F a\0b\n", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats),
                                       cmocka_unit_test(keeps_nul_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
