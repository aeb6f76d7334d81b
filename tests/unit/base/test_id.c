/* SPDX-License-Identifier: Apache-2.0 */
/* base/id.h: random identifiers. */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_random(void **state)
{
    char last[ID_HEX_LEN + 1] = "";
    for (int i = 0; i < 2000; i++) {
        char id[ID_HEX_LEN + 1];
        memset(id, '?', sizeof(id));
        id_random(id);
        assert_int_equal(strlen(id), ID_HEX_LEN);
        assert_int_equal(strspn(id, "0123456789abcdef"), ID_HEX_LEN);
        assert_true(strspn(id, "0123456789") < ID_SHORT_LEN);
        assert_string_not_equal(id, last);
        memcpy(last, id, sizeof(last));
    }
}

static void test_prefix(void **state)
{
#define HEX16 "0123456789abcdef"
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"a", true},
        {"0", true},
        {HEX16 HEX16 HEX16 HEX16, true},
        {HEX16 HEX16 HEX16 HEX16 "0", false},
        {"", false},
        {"A", false},
        {"g", false},
        {"ab c", false},
        {"ab/", false},
        {"../ab", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(id_is_prefix(rows[i].text), rows[i].is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
