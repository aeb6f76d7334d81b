/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h: whole reads, atomic writes, removal, times. */
#include "base/file.h"

#include "base/strv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

static void test_read(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    scratch_write(s->fd, "f", "0123456789");
    static const struct {
        const char *path;
        size_t limit;
        int result;
    } rows[] = {{"f", 10, 0},     {"f", 100000, 0},        {"f", 9, -EFBIG},
                {"f", 0, -EFBIG}, {"missing", 1, -ENOENT}, {".", 1, -EISDIR}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_buf b = {0};
        buf_add_str(&b, "before ");
        int r = file_read_at(s->fd, rows[i].path, rows[i].limit, &b, &err);
        assert_int_equal(r, rows[i].result);
        assert_string_equal(buf_str(&b), r == 0 ? "before 0123456789" : "before ");
        if (r < 0)
            assert_non_null(strstr(err.message, rows[i].path));
        /* Without an error to fill it still fails. */
        auto_buf again = {0};
        assert_true((file_read_at(s->fd, rows[i].path, rows[i].limit, &again, NULL) < 0) ==
                    (r < 0));
    }
}

static void test_read_fifo(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
    auto_buf b = {0};
    alarm(10); /* hanging is the failure */
    file_read_at(s->fd, "fifo", 10, &b, NULL);
    alarm(0);
    assert_int_equal(b.len, 0);
}

static int count_entries(int fd)
{
    auto_strv names = {0};
    assert_int_equal(list_dir_at(fd, ".", &names, NULL), 0);
    return (int)names.len;
}

static void test_write(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    struct stat st;
    mode_t old = umask(077);
    assert_int_equal(file_write_at(s->fd, "f", "one", 3, 0644, 0, &err), 0);
    umask(old);
    assert_int_equal(fstatat(s->fd, "f", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0644);

    /* A reader that has the old file open keeps the old content. */
    auto_close int reader = openat(s->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_write_at(s->fd, "f", "second", 6, 0600, FILE_SYNC, &err), 0);
    auto_buf before = {0}, after = {0};
    assert_int_equal(file_read_fd(reader, 100, &before, &err), 0);
    assert_string_equal(buf_str(&before), "one");
    assert_int_equal(file_read_at(s->fd, "f", 100, &after, &err), 0);
    assert_string_equal(buf_str(&after), "second");
    assert_int_equal(count_entries(s->fd), 1);
}

static void test_write_failures(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    scratch_write(s->fd, "taken", "old");
    mkdirat(s->fd, "dir", 0700);
    scratch_write(s->fd, "dir/in", "");
    assert_int_equal(file_write_at(s->fd, "taken", "x", 1, 0600, FILE_EXCL, &err), -EEXIST);
    assert_true(file_write_at(s->fd, "dir", "x", 1, 0600, 0, &err) < 0);
    assert_true(file_write_at(s->fd, "no/such/f", "x", 1, 0600, 0, &err) < 0);
    auto_buf b = {0};
    assert_int_equal(file_read_at(s->fd, "taken", 100, &b, &err), 0);
    assert_string_equal(buf_str(&b), "old");
    /* No temporary file is left of what failed. */
    assert_int_equal(count_entries(s->fd), 2);
}

static void test_write_replaces_link(void **state)
{
    struct scratch *s = *state;
    scratch_write(s->fd, "target", "untouched");
    assert_int_equal(symlinkat("target", s->fd, "link"), 0);
    assert_int_equal(file_write_at(s->fd, "link", "new", 3, 0600, 0, NULL), 0);
    auto_buf b = {0};
    assert_int_equal(file_read_at(s->fd, "target", 100, &b, NULL), 0);
    assert_string_equal(buf_str(&b), "untouched");
}

static void test_remove_tree(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    assert_int_equal(mkdir_parents_at(s->fd, "keep/inside", 0700, &err), 0);
    scratch_write(s->fd, "keep/inside/file", "kept");
    assert_int_equal(mkdir_parents_at(s->fd, "tree/a/b/c", 0700, &err), 0);
    scratch_write(s->fd, "tree/a/file", "x");
    mkfifoat(s->fd, "tree/a/fifo", 0600);
    assert_int_equal(symlinkat("../../keep", s->fd, "tree/a/link"), 0);
    assert_int_equal(symlinkat("/nowhere", s->fd, "tree/dangling"), 0);
    fchmodat(s->fd, "tree/a/b", 0, 0);

    assert_int_equal(remove_tree_at(s->fd, "tree", &err), 0);
    assert_false(exists_at(s->fd, "tree"));
    assert_true(exists_at(s->fd, "keep/inside/file"));

    /* A link that is named itself goes, what it points at stays. */
    assert_int_equal(symlinkat("keep", s->fd, "link"), 0);
    assert_int_equal(remove_tree_at(s->fd, "link", &err), 0);
    assert_false(exists_at(s->fd, "link"));
    assert_true(exists_at(s->fd, "keep/inside/file"));
    assert_int_equal(remove_tree_at(s->fd, "missing", &err), 0);
    assert_int_equal(remove_tree_at(s->fd, "keep/inside/file", &err), 0);
    assert_false(exists_at(s->fd, "keep/inside/file"));
}

static void test_remove_deep(void **state)
{
    struct scratch *s = *state;
    int at = dup(s->fd);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    assert_int_equal(remove_tree_at(s->fd, "d", NULL), 0);
    assert_int_equal(count_entries(s->fd), 0);
}

static void test_mkdir_parents(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    struct stat st;
    mkdirat(s->fd, "old", 0750);
    assert_int_equal(mkdir_parents_at(s->fd, "old/new/newer", 0700, &err), 0);
    assert_int_equal(mkdir_parents_at(s->fd, "old/new/newer", 0700, &err), 0);
    fstatat(s->fd, "old", &st, 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    scratch_write(s->fd, "file", "");
    assert_int_equal(mkdir_parents_at(s->fd, "file/below", 0700, &err), -ENOTDIR);
    assert_int_equal(symlinkat("old", s->fd, "link"), 0);
    assert_true(open_dir_at(s->fd, "link", &err) < 0);
    auto_close int fd = open_made_dir_at(s->fd, "x/y", 0700, &err);
    assert_true(fd >= 0);
}

static void test_list_sorted(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = {"b", "a", "C", ".hidden", "a b"};
    for (size_t i = 0; i < 5; i++)
        scratch_write(s->fd, names[i], "");
    auto_strv found = {0};
    assert_int_equal(list_dir_at(s->fd, ".", &found, NULL), 0);
    auto_free char *joined = strv_join(&found, "|");
    assert_string_equal(joined, ".hidden|C|a|a b|b");
}

static void test_copy(void **state)
{
    struct scratch *s = *state;
    auto_close int in = openat(s->fd, "in", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    auto_close int out = openat(s->fd, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(write(in, &i, sizeof(i)), sizeof(i));
    /* From the current offset, not from the start. */
    lseek(in, 400, SEEK_SET);
    uint64_t copied = 0;
    assert_int_equal(copy_fd(in, out, &copied, NULL), 0);
    assert_int_equal(copied, 50000 * sizeof(int) - 400);
    int first = 0;
    assert_int_equal(pread_full(out, &first, sizeof(first), 0), sizeof(first));
    assert_int_equal(first, 100);

    /* A pipe cannot be copied by copy_file_range, a file of /proc has no size. */
    int p[2];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(write(p[1], "piped", 5), 5);
    close(p[1]);
    assert_int_equal(copy_fd(p[0], out, &copied, NULL), 0);
    assert_int_equal(copied, 5);
    close(p[0]);
    auto_close int version = open("/proc/version", O_RDONLY | O_CLOEXEC);
    assert_int_equal(copy_fd(version, out, &copied, NULL), 0);
    assert_true(copied > 10);
}

static void test_lock(void **state)
{
    struct scratch *s = *state;
    auto_close int a = openat(s->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    auto_close int b = openat(s->fd, "lock", O_RDWR | O_CLOEXEC);
    assert_int_equal(lock_fd(a, true, false, NULL), 0);
    assert_int_equal(lock_fd(b, true, false, NULL), -EWOULDBLOCK);
    assert_int_equal(lock_fd(b, false, false, NULL), -EWOULDBLOCK);
    assert_int_equal(lock_fd(a, false, false, NULL), 0);
    assert_int_equal(lock_fd(b, false, false, NULL), 0);
}

static void test_time_format(void **state)
{
    static const struct {
        time_t seconds;
        long nanoseconds;
        const char *text;
    } rows[] = {
        {0, 0, "1970-01-01T00:00:00.000000000Z"},
        {1795492920, 123456789, "2026-11-24T04:02:00.123456789Z"},
        {951782400, 1, "2000-02-29T00:00:00.000000001Z"},
        {-1, 0, "1969-12-31T23:59:59.000000000Z"},
        {253402300799, 999999999, "9999-12-31T23:59:59.999999999Z"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec t = {.tv_sec = rows[i].seconds, .tv_nsec = rows[i].nanoseconds}, back;
        char out[36];
        assert_string_equal(time_format(t, out), rows[i].text);
        assert_int_equal(time_parse(out, &back), 0);
        assert_int_equal(back.tv_sec, t.tv_sec);
        assert_int_equal(back.tv_nsec, t.tv_nsec);
    }
}

static void test_time_parse(void **state)
{
    static const struct {
        const char *text;
        int result;
        time_t seconds;
        long nanoseconds;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0, 0},
        {"1970-01-01T00:00:00.5Z", 0, 0, 500000000},
        {"1970-01-01T00:00:00.123456789123Z", 0, 0, 123456789},
        {"1970-01-01T02:00:00+02:00", 0, 0, 0},
        {"1970-01-01T00:00:00-01:30", 0, 5400, 0},
        {"2026-11-24T04:02:00.1+00:00", 0, 1795492920, 100000000},
        {"", -EINVAL, 0, 0},
        {"now", -EINVAL, 0, 0},
        {"1970-01-01", -EINVAL, 0, 0},
        {"1970-01-01T00:00:00", -EINVAL, 0, 0},
        {"1970-13-01T00:00:00Z", -EINVAL, 0, 0},
        {"1970-01-01T00:00:00+xx", -EINVAL, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct timespec t = {.tv_sec = -7, .tv_nsec = -7};
        assert_int_equal(time_parse(rows[i].text, &t), rows[i].result);
        assert_int_equal(t.tv_sec, rows[i].result ? -7 : rows[i].seconds);
        assert_int_equal(t.tv_nsec, rows[i].result ? -7 : rows[i].nanoseconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_read),
        scratch_test(test_read_fifo),
        scratch_test(test_write),
        scratch_test(test_write_failures),
        scratch_test(test_write_replaces_link),
        scratch_test(test_remove_tree),
        scratch_test(test_remove_deep),
        scratch_test(test_mkdir_parents),
        scratch_test(test_list_sorted),
        scratch_test(test_copy),
        scratch_test(test_lock),
        cmocka_unit_test(test_time_format),
        cmocka_unit_test(test_time_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
