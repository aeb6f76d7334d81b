/* SPDX-License-Identifier: Apache-2.0 */
/* "-u" against the texts of an image's passwd and group; reading those files. */
#include "base/buf.h"
#include "runtime/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "broken line\n"
                             "::5:5::/empty-name:\n"
                             "bad:x:12x:4:::\n"
                             "neg:x:-3:4:::\n"
                             "big:x:4294967295:4:::\n"
                             "www:x:33:34:web:/var/www:/bin/false\n"
                             "www:x:99:99:second:/no:/no\n"
                             "short:x:50:51\n"
                             "1234:x:60:61::/digits:\n"
                             "last:x:70:71::/last";
static const char group[] = "root:x:0:\n"
                            "wheel:x:10:root,www\n"
                            "web:x:34:\n"
                            "almost:x:35:wwww,ww,xwww\n"
                            "more:x:36:a,www,b\n"
                            "same:x:36:www\n"
                            "bad:x:4294967296:www\n"
                            "short:x:37\n"
                            "77:x:78:\n";

static const struct {
    const char *spec;
    int result;
    unsigned uid, gid;
    const char *home, *groups;
} rows[] = {
    {"", 0, 0, 0, "/root", "10 "},
    {"root", 0, 0, 0, "/root", "10 "},
    {"0", 0, 0, 0, "/root", "10 "},
    {"www", 0, 33, 34, "/var/www", "10 36 "},
    {"33", 0, 33, 34, "/var/www", "10 36 "},
    {"33:33", 0, 33, 33, "/var/www", ""},
    {"www:wheel", 0, 33, 10, "/var/www", ""},
    {"www:77", 0, 33, 78, "/var/www", ""},
    {"www:", 0, 33, 34, "/var/www", "10 36 "},
    {":wheel", 0, 0, 10, "/root", ""},
    {"4000", 0, 4000, 0, "", ""},
    {"4000:5000", 0, 4000, 5000, "", ""},
    {"short", 0, 50, 51, "", ""},
    {"1234", 0, 60, 61, "/digits", ""},
    {"last", 0, 70, 71, "/last", ""},
    {"2147483647", 0, 2147483647, 0, "", ""},
    {"2147483648", -ERANGE, 0, 0, "", ""},
    {"4294967295", -ERANGE, 0, 0, "", ""},
    {"99999999999999999999999", -ERANGE, 0, 0, "", ""},
    {"-1", -ERANGE, 0, 0, "", ""},
    {"root:-1", -ERANGE, 0, 0, "", ""},
    {"root:4294967295", -ERANGE, 0, 0, "", ""},
    {"a:b:c", -EINVAL, 0, 0, "", ""},
    {"www:wheel:", -EINVAL, 0, 0, "", ""},
    {"nobody", -ENOENT, 0, 0, "", ""},
    {"bad", -ENOENT, 0, 0, "", ""},
    {"neg", -ENOENT, 0, 0, "", ""},
    {"big", -ENOENT, 0, 0, "", ""},
    {"broken line", -ENOENT, 0, 0, "", ""},
    {"www:nogroup", -ENOENT, 0, 0, "", ""},
    {"www:bad", -ENOENT, 0, 0, "", ""},
    {"-", -ENOENT, 0, 0, "", ""},
};

static void resolves(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct user u = {.uid = 7};
        struct err err = {0};
        char groups[256] = "";
        int r = user_resolve(rows[i].spec, passwd, group, &u, &err);
        if (r != rows[i].result)
            fail_msg("\"%s\": %d, not %d", rows[i].spec, r, rows[i].result);
        if (r < 0) {
            assert_int_equal(u.uid, 7); /* untouched */
            continue;
        }
        for (size_t k = 0; k < u.n_groups; k++)
            sprintf(groups + strlen(groups), "%u ", u.groups[k]);
        if (u.uid != rows[i].uid || u.gid != rows[i].gid)
            fail_msg("\"%s\": %u:%u", rows[i].spec, u.uid, u.gid);
        assert_string_equal(u.home, rows[i].home);
        assert_string_equal(groups, rows[i].groups);
    }
}

static void without_files(void **state)
{
    struct user u = {0};
    assert_int_equal(user_resolve("", "", "", &u, NULL), 0);
    assert_int_equal(u.uid, 0);
    assert_false(u.found);
    assert_int_equal(user_resolve("12:13", "", "", &u, NULL), 0);
    assert_int_equal(u.gid, 13);
    assert_int_equal(user_resolve("root", "", "", &u, NULL), -ENOENT);
}

static void many_groups(void **state)
{
    auto_buf text = {0};
    for (int i = 1; i <= 2 * USER_GROUPS_MAX; i++)
        buf_printf(&text, "g%d:x:%d:root\n", i, i);
    struct user u = {0};
    assert_int_equal(user_resolve("root", passwd, buf_str(&text), &u, NULL), 0);
    assert_int_equal(u.n_groups, USER_GROUPS_MAX);
}

static int make(const char *kind, int dir)
{
    unlinkat(dir, "passwd", 0);
    if (strcmp(kind, "fifo") == 0)
        return mkfifoat(dir, "passwd", 0600);
    if (strcmp(kind, "directory") == 0)
        return mkdirat(dir, "passwd", 0700);
    if (strcmp(kind, "host link") == 0)
        return symlinkat("/etc/passwd", dir, "passwd");
    if (strcmp(kind, "climbing link") == 0)
        return symlinkat("../../../../../../etc/passwd", dir, "passwd");
    if (strcmp(kind, "missing") == 0)
        return 0;
    int fd = openat(dir, "passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int r = strcmp(kind, "10 GB") == 0 ? ftruncate(fd, 10LL << 30) : (int)write(fd, "x:y\n", 4);
    close(fd);
    return r < 0 ? r : 0;
}

static void reads_only_plain_files(void **state)
{
    static const struct {
        const char *kind;
        bool good;
        const char *text;
    } files[] = {{"plain", true, "x:y\n"},    {"missing", true, ""}, {"host link", true, ""},
                 {"climbing link", true, ""}, {"fifo", false, NULL}, {"10 GB", false, NULL},
                 {"directory", false, NULL}};
    char path[] = "/tmp/test-user-XXXXXX";
    assert_non_null(mkdtemp(path));
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char *text = NULL;
        struct err err = {0};
        assert_int_equal(make(files[i].kind, dir), 0);
        int r = user_file_read(dir, "/passwd", &text, &err);
        if ((r == 0) != files[i].good)
            fail_msg("%s: %d %s", files[i].kind, r, err.message);
        if (files[i].good)
            assert_string_equal(text, files[i].text);
        free(text);
    }
    unlinkat(dir, "passwd", AT_REMOVEDIR);
    close(dir);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves),
        cmocka_unit_test(without_files),
        cmocka_unit_test(many_groups),
        cmocka_unit_test(reads_only_plain_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
