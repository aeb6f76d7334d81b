/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists against mode bits. */
#include "overlay-fuse/acl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define NO_ID            "\xff\xff\xff\xff"
#define USER(perm)       "\x01\0" perm "\0" NO_ID
#define NAMED_USER(perm) "\x02\0" perm "\0\xe8\x03\0\0"
#define GROUP(perm)      "\x04\0" perm "\0" NO_ID
#define MASK(perm)       "\x10\0" perm "\0" NO_ID
#define OTHER(perm)      "\x20\0" perm "\0" NO_ID
#define VERSION          "\2\0\0\0"
#define LIST(entries)    VERSION entries, sizeof(VERSION entries) - 1

static const struct {
    const char *list;
    size_t len;
    int code;
    mode_t mode; /* that the list says */
    bool minimal;
    mode_t chmod_640, create_640; /* what it says after each */
} cases[] = {
    {LIST(USER("\7") GROUP("\5") OTHER("\1")), 0, 0751, true, 0640, 0640},
    {LIST(USER("\6") GROUP("\0") OTHER("\7")), 0, 0607, true, 0640, 0600},
    {LIST(USER("\7") NAMED_USER("\7") GROUP("\1") MASK("\4") OTHER("\5")), 0, 0745, false, 0640,
     0640},
    {LIST(USER("\1") GROUP("\7") MASK("\2") OTHER("\7")), 0, 0127, false, 0640, 0000},
    {LIST(""), -EINVAL, 0, false, 0, 0},
    {LIST(USER("\7") GROUP("\5")), -EINVAL, 0, false, 0, 0},
    {LIST(USER("\7") USER("\7") GROUP("\5") OTHER("\1")), -EINVAL, 0, false, 0, 0},
    {LIST(USER("\7") NAMED_USER("\7") GROUP("\5") OTHER("\1")), -EINVAL, 0, false, 0, 0},
    {LIST(USER("\x8") GROUP("\5") OTHER("\1")), -EINVAL, 0, false, 0, 0},
    {LIST(USER("\7") GROUP("\5") OTHER("\1") "\3\0\0\0" NO_ID), -EINVAL, 0, false, 0, 0},
    {VERSION USER("\7"), 11, -EINVAL, 0, false, 0, 0},
    {"\3\0\0\0" USER("\7") GROUP("\5") OTHER("\1"), 28, -EINVAL, 0, false, 0, 0},
    {VERSION, 3, -EINVAL, 0, false, 0, 0},
    {VERSION, 0, -EINVAL, 0, false, 0, 0},
};

static mode_t says(const void *list, size_t len)
{
    mode_t mode = 0;
    bool minimal;
    assert_int_equal(acl_to_mode(list, len, &mode, &minimal), 0);
    return mode;
}

/* At any address: that of a list in a request depends on the attribute's name. */
static void check_at(size_t i, size_t shift)
{
    _Alignas(8) char room[ACL_MAX];
    char *list = room + shift;
    mode_t mode = S_IFREG | 04000;
    bool minimal = !cases[i].minimal;
    memcpy(list, cases[i].list, cases[i].len);
    int r = acl_to_mode(list, cases[i].len, &mode, &minimal);
    if (r != cases[i].code)
        fail_msg("list %zu: %d", i, r);
    assert_int_equal(acl_chmod(list, cases[i].len, 0640), r);
    if (r < 0) {
        assert_int_equal(mode, S_IFREG | 04000);
        assert_int_equal(acl_create(list, cases[i].len, &mode, &minimal), r);
        return;
    }
    assert_int_equal(mode, S_IFREG | 04000 | cases[i].mode);
    assert_int_equal(minimal, cases[i].minimal);
    assert_int_equal(says(list, cases[i].len), cases[i].chmod_640);
    memcpy(list, cases[i].list, cases[i].len);
    mode = S_IFREG | 01640;
    assert_int_equal(acl_create(list, cases[i].len, &mode, &minimal), 0);
    assert_int_equal(mode, S_IFREG | 01000 | cases[i].create_640);
    assert_int_equal(says(list, cases[i].len), cases[i].create_640);
}

static void test_lists(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (size_t shift = 0; shift < 8; shift++)
            check_at(i, shift);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests_name("overlay-fuse/acl", tests, NULL, NULL);
}
