/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations, commands, and the columns they stand in. */
#include "cmd/human.h"
#include "cmd/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } cases[] = {
        {0, "0 B"},
        {1, "1 B"},
        {999, "999 B"},
        {1000, "1 kB"},
        {1024, "1.02 kB"},
        {4860, "4.86 kB"},
        {11331, "11.3 kB"},
        {117000000, "117 MB"},
        {121456789, "121 MB"},
        {999499, "999 kB"},
        {999500, "1 MB"},
        {999999999, "1 GB"},
        {1500000000, "1.5 GB"},
        {2000000000000, "2 TB"},
        {UINT64_MAX, "18.4 EB"},
    };
    char out[HUMAN_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(human_size(cases[i].bytes, " ", out), cases[i].want);
    assert_string_equal(human_size(7500, "", out), "7.5kB");
}

static void test_durations(void **state)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    static const struct {
        int64_t seconds;
        const char *want;
    } cases[] = {
        {-5, "Less than a second"},
        {0, "Less than a second"},
        {1, "1 second"},
        {2, "2 seconds"},
        {59, "59 seconds"},
        {60, "About a minute"},
        {119, "About a minute"},
        {120, "2 minutes"},
        {59 * MINUTE + 59, "59 minutes"},
        {HOUR, "About an hour"},
        {89 * MINUTE + 59, "About an hour"},
        {90 * MINUTE, "2 hours"},
        {47 * HOUR, "47 hours"},
        {47 * HOUR + 1800, "2 days"},
        {2 * DAY, "2 days"},
        {13 * DAY + 23 * HOUR, "13 days"},
        {14 * DAY, "2 weeks"},
        {59 * DAY, "8 weeks"},
        {60 * DAY, "2 months"},
        {729 * DAY, "24 months"},
        {730 * DAY, "2 years"},
        {1200 * (int64_t)DAY, "3 years"},
    };
    char out[HUMAN_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(human_duration(cases[i].seconds, out), cases[i].want);
    assert_string_equal(human_ago(5 * MINUTE, out), "5 minutes ago");
    assert_string_equal(human_ago(0, out), "Less than a second ago");
}

static void test_commands(void **state)
{
    static const struct {
        const char *command, *want;
    } cases[] = {
        {"", ""},
        {"/hello", "/hello"},
        {"12345678901234567", "12345678901234567"},
        {"123456789012345678", "12345678901234567..."},
        {"/bin/sh -c echo hello world", "/bin/sh -c echo h..."},
        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf b = {0};
        human_command(cases[i].command, &b);
        assert_string_equal(buf_str(&b), cases[i].want);
    }
}

static void test_tables(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"a\n", "a\n"},
        {"ID\tTAG\tSIZE\n", "ID          TAG         SIZE\n"},
        {"CONTAINER ID\tX\n05f8f0fc4092\ty\n", "CONTAINER ID  X\n05f8f0fc4092  y\n"},
        {"1234567890\tx\n", "1234567890  x\n"},
        {"12345678901\tx\n", "12345678901  x\n"},
        {"a\tb\n\xc3\xa9\xc3\xa9\tb\n", "a           b\n\xc3\xa9\xc3\xa9          b\n"},
        {"\xe4\xbd\xa0\xe5\xa5\xbd\tb\n", "\xe4\xbd\xa0\xe5\xa5\xbd        b\n"},
        {"a\t\t\n", "a\n"},
        {"a\t\tc\n", "a                       c\n"},
        {"long last cell that counts for nobody\nx\ty\n",
         "long last cell that counts for nobody\nx           y\n"},
        {"a\tb", "a           b"},
        {"\xff\tb\n", "\xff           b\n"},
        {"\x1b[2J\x7f\tb\n", "[2J         b\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf b = {0};
        table_layout(cases[i].text, &b);
        assert_string_equal(buf_str(&b), cases[i].want);
    }
    assert_int_equal(table_width("e\xcc\x81", 3), 1); /* a letter and its combining accent */
    assert_int_equal(table_width("\x1b[0m", 4), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_tables),
    };
    return setlocale(LC_CTYPE, "C.UTF-8") ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
