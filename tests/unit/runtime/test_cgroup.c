/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a cgroup: a directory of plain files stands for one. */
#include "base/file.h"
#include "runtime/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

#include <fcntl.h>
#include <string.h>

static void put(int dir, const char *file, const char *text)
{
    assert_int_equal(file_write_at(dir, file, text, strlen(text), 0600, 0, NULL), 0);
}

static void settings(void **state)
{
    int dir = ((struct scratch *)*state)->fd;
    auto_strv all = {0}, missing = {0};
    auto_buf text = {0};
    put(dir, "memory.max", "");
    put(dir, "cpu.max", "");
    strv_add(&all, "memory.max=1048576");
    strv_add(&all, "pids.max=5");
    strv_add(&all, "io.max=8:0 rbps=1");
    strv_add(&all, "io.max=8:0 wbps=1");
    strv_add(&all, "cpu.max=5000 10000");
    assert_int_equal(cgroup_apply(dir, &all, &missing, NULL), 0);
    assert_int_equal(file_read_at(dir, "memory.max", 100, &text, NULL), 0);
    assert_int_equal(file_read_at(dir, "cpu.max", 100, &text, NULL), 0);
    assert_string_equal(buf_str(&text), "10485765000 10000");
    assert_int_equal(missing.len, 2);
    assert_string_equal(missing.v[0], "pids.max");
    assert_string_equal(missing.v[1], "io.max");
}

/* What the kernel refuses is no missing controller: /dev/full refuses whatever is written. */
static void refused(void **state)
{
    int dir = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct err err = {0};
    auto_strv all = {0}, missing = {0};
    strv_add(&all, "full=1");
    assert_int_equal(cgroup_apply(dir, &all, &missing, &err), -ENOSPC);
    assert_non_null(strstr(err.message, "set full of the cgroup to \"1\""));
    assert_int_equal(missing.len, 0);
    close(dir);
}

static void reading(void **state)
{
    int dir = ((struct scratch *)*state)->fd;
    uint64_t n = 7, m = 7;
    put(dir, "memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n");
    put(dir, "memory.max", "max\n");
    put(dir, "pids.current", "42\n");
    put(dir, "empty", "");
    put(dir, "io.stat",
        "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
        "254:1 rbytes=5 wbytes=6 rios=1 wios=2 dbytes=9 dios=0\n");
    assert_true(cgroup_keyed(dir, "memory.events", "oom_kill", &n));
    assert_int_equal(n, 2);
    assert_true(cgroup_keyed(dir, "memory.events", "oom", &n));
    assert_int_equal(n, 3);
    assert_false(cgroup_keyed(dir, "memory.events", "oom_k", &n));
    assert_false(cgroup_keyed(dir, "missing", "oom", &n));
    assert_true(cgroup_number(dir, "memory.max", &n));
    assert_true(n == UINT64_MAX);
    assert_true(cgroup_number(dir, "pids.current", &n));
    assert_int_equal(n, 42);
    assert_false(cgroup_number(dir, "empty", &n));
    assert_true(cgroup_io(dir, &n, &m));
    assert_int_equal(n, 15);
    assert_int_equal(m, 26);
}

static void places(void **state)
{
    static const struct {
        const char *mountinfo, *point, *root;
    } mounts[] = {
        {"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
         "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
         "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n",
         "/sys/fs/cgroup/unified", "/"},
        {"41 31 0:38 /a/b /sys/fs/cgroup rw - cgroup2 cgroup rw,nsdelegate\n", "/sys/fs/cgroup",
         "/a/b"},
        {"41 31 0:38 / /a\\040b rw - cgroup2 cgroup rw\n", NULL, NULL},
        {"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", NULL, NULL},
        {"x - cgroup2 y", NULL, NULL},
        {"", NULL, NULL},
    };
    static const char *const own[][2] = {
        {"9:name=systemd:/\n0::/\n", "/"},
        {"0::/user.slice/user-1000.slice/session-1.scope\n",
         "/user.slice/user-1000.slice/session-1.scope"},
        {"0::/../x\n", NULL},
        {"0::/a (deleted)\n", NULL},
        {"1:cpu:/\n", NULL},
    };
    for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
        auto_free char *point = NULL, *root = NULL;
        bool found = cgroup_parse_mount(mounts[i].mountinfo, &point, &root);
        assert_int_equal(found, mounts[i].point != NULL);
        if (found) {
            assert_string_equal(point, mounts[i].point);
            assert_string_equal(root, mounts[i].root);
        }
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        auto_free char *path = cgroup_parse_own(own[i][0]);
        assert_int_equal(path != NULL, own[i][1] != NULL);
        if (path)
            assert_string_equal(path, own[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings, scratch_setup, scratch_teardown),
        cmocka_unit_test(refused),
        cmocka_unit_test_setup_teardown(reading, scratch_setup, scratch_teardown),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
