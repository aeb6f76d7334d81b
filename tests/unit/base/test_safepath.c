/* SPDX-License-Identifier: Apache-2.0 */
/* base/safepath.h: a hostile tree, walked by openat2 and by our own walk with the same results. */
#include "base/safepath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

/* The tree: SCRATCH/root is the root, SCRATCH/outside must never be reached. */
static void make_tree(struct scratch *s)
{
    static const char *const dirs[] = {"outside", "root", "root/dir", "root/dir/sub", "root/etc"};
    static const char *const files[] = {"outside/secret", "root/file", "root/dir/sub/deep",
                                        "root/etc/passwd"};
    static const struct {
        const char *target, *path;
    } links[] = {
        {"/etc/passwd", "root/absolute"},
        {"/", "root/to-root"},
        {"..", "root/up"},
        {"../../../../outside/secret", "root/climb"},
        {"../outside", "root/out-dir"},
        {"dir/sub", "root/rel"},
        {"loop-b", "root/loop-a"},
        {"loop-a", "root/loop-b"},
        {"self", "root/self"},
        {"missing", "root/dangling"},
        {"/missing/deep", "root/dangling-abs"},
        {"file/", "root/file-slash"},
        {"../../etc/./passwd", "root/dir/sub/winding"},
        {"fifo", "root/to-fifo"},
        {"absolute", "root/chain"},
        {".", "root/dot"},
    };
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
        assert_int_equal(mkdirat(s->fd, dirs[i], 0700), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        scratch_write(s->fd, files[i], files[i]);
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        assert_int_equal(symlinkat(links[i].target, s->fd, links[i].path), 0);
    assert_int_equal(mkfifoat(s->fd, "root/fifo", 0600), 0);
    /* 41 links in a row: one more than may be followed. */
    for (int i = 0; i < 41; i++) {
        char path[32], target[32];
        snprintf(path, sizeof(path), "root/row%d", i);
        snprintf(target, sizeof(target), i ? "row%d" : "file", i - 1);
        assert_int_equal(symlinkat(target, s->fd, path), 0);
    }
}

/* What is opened is told by device and inode, so "the same" is really the same. */
static const struct row {
    const char *path;
    int flags;
    int result;       /* 0 or negative errno */
    const char *same; /* what it must be, from the scratch directory; NULL: does not matter */
} rows[] = {
    {"file", O_RDONLY, 0, "root/file"},
    {"/file", O_RDONLY, 0, "root/file"},
    {"//file", O_RDONLY, 0, "root/file"},
    {"./file", O_RDONLY, 0, "root/file"},
    {"", O_PATH, 0, "root"},
    {".", O_PATH, 0, "root"},
    {"/", O_PATH, 0, "root"},
    {"..", O_PATH, 0, "root"},
    {"../..", O_PATH, 0, "root"},
    {"/../../file", O_RDONLY, 0, "root/file"},
    {"../outside/secret", O_RDONLY, -ENOENT, NULL},
    {"dir/../file", O_RDONLY, 0, "root/file"},
    {"dir/sub/../../../../file", O_RDONLY, 0, "root/file"},
    {"missing/../file", O_RDONLY, -ENOENT, NULL},
    {"file/../file", O_RDONLY, -ENOTDIR, NULL},
    {"file/", O_RDONLY, -ENOTDIR, NULL},
    {"file/.", O_RDONLY, -ENOTDIR, NULL},
    {"dir/", O_PATH, 0, "root/dir"},
    {"dir/.", O_PATH, 0, "root/dir"},
    {"dir//sub///deep", O_RDONLY, 0, "root/dir/sub/deep"},
    {"absolute", O_RDONLY, 0, "root/etc/passwd"},
    {"chain", O_RDONLY, 0, "root/etc/passwd"},
    {"to-root", O_PATH, 0, "root"},
    {"to-root/file", O_RDONLY, 0, "root/file"},
    {"dir/../to-root/dir/sub", O_PATH, 0, "root/dir/sub"},
    {"up", O_PATH, 0, "root"},
    {"up/up/file", O_RDONLY, 0, "root/file"},
    {"climb", O_RDONLY, -ENOENT, NULL},
    {"out-dir/secret", O_RDONLY, -ENOENT, NULL},
    {"rel/deep", O_RDONLY, 0, "root/dir/sub/deep"},
    {"rel/..", O_PATH, 0, "root/dir"},
    {"rel/winding", O_RDONLY, 0, "root/etc/passwd"},
    {"dot/dot/dot/file", O_RDONLY, 0, "root/file"},
    {"loop-a", O_RDONLY, -ELOOP, NULL},
    {"loop-a/x", O_RDONLY, -ELOOP, NULL},
    {"self", O_RDONLY, -ELOOP, NULL},
    {"row39", O_RDONLY, 0, "root/file"},
    {"row40", O_RDONLY, -ELOOP, NULL},
    {"dangling", O_RDONLY, -ENOENT, NULL},
    {"dangling-abs", O_RDONLY, -ENOENT, NULL},
    {"file-slash", O_RDONLY, -ENOTDIR, NULL},
    {"rel", O_RDONLY | O_NOFOLLOW, -ELOOP, NULL},
    {"rel", O_PATH | O_NOFOLLOW, 0, "root/rel"},
    {"rel/", O_PATH | O_NOFOLLOW, 0, "root/dir/sub"},
    {"rel/deep", O_RDONLY | O_NOFOLLOW, 0, "root/dir/sub/deep"},
    {"dir", O_RDONLY | O_DIRECTORY, 0, "root/dir"},
    {"rel", O_RDONLY | O_DIRECTORY, 0, "root/dir/sub"},
    {"file", O_RDONLY | O_DIRECTORY, -ENOTDIR, NULL},
    {"rel", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, -ENOTDIR, NULL},
    {"dir", O_WRONLY, -EISDIR, NULL},
    {"fifo", O_RDONLY | O_NONBLOCK, 0, "root/fifo"},
    {"to-fifo", O_RDONLY | O_NONBLOCK, 0, "root/fifo"},
    {"fifo/x", O_RDONLY, -ENOTDIR, NULL},
    {"file", O_WRONLY | O_CREAT, 0, "root/file"},
    {"file", O_WRONLY | O_CREAT | O_EXCL, -EEXIST, NULL},
    {"rel", O_WRONLY | O_CREAT | O_EXCL, -EEXIST, NULL},
    {"dangling", O_WRONLY | O_CREAT | O_EXCL, -EEXIST, NULL},
    {"absolute", O_WRONLY | O_CREAT, 0, "root/etc/passwd"},
    {"missing/new", O_WRONLY | O_CREAT, -ENOENT, NULL},
    {"dir", O_WRONLY | O_CREAT, -EISDIR, NULL},
    {"dir/", O_WRONLY | O_CREAT, -EISDIR, NULL},
    {"new/", O_WRONLY | O_CREAT, -EISDIR, NULL},
    {"rel/", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "root/dir/sub"},
    {".", O_RDWR | O_TMPFILE, 0, NULL},
};

/* Opens a row's path and says what came of it: 0 and the inode, or the error. */
static int try_open(int root, const struct row *row, struct stat *st)
{
    int fd = safe_open(root, row->path, row->flags, 0600);
    if (fd < 0)
        return fd;
    assert_int_equal(fstat(fd, st), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    return 0;
}

static void check_rows(struct scratch *s, const char *how)
{
    make_tree(s);
    auto_close int root = openat(s->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int wrong = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stat st = {0}, wanted = {0};
        int r = try_open(root, &rows[i], &st);
        if (rows[i].same)
            assert_int_equal(fstatat(s->fd, rows[i].same, &wanted, AT_SYMLINK_NOFOLLOW), 0);
        if (r == rows[i].result &&
            (!rows[i].same || (st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)))
            continue;
        print_error("%s: \"%s\" flags 0%o: result %d (wanted %d), inode %lu (wanted %lu)\n", how,
                    rows[i].path, rows[i].flags, r, rows[i].result, (unsigned long)st.st_ino,
                    (unsigned long)wanted.st_ino);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_openat2(void **state)
{
    unsetenv("WHERRY_NO_OPENAT2");
    check_rows(*state, "openat2");
}

static void test_walk(void **state)
{
    setenv("WHERRY_NO_OPENAT2", "1", 1);
    check_rows(*state, "walk");
    unsetenv("WHERRY_NO_OPENAT2");
}

/* Both ways must make the file where the link points inside the root. */
static void test_create_through_links(void **state)
{
    struct scratch *s = *state;
    make_tree(s);
    auto_close int root = openat(s->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int walk = 0; walk < 2; walk++) {
        setenv("WHERRY_NO_OPENAT2", walk ? "1" : "0", 1);
        int fd = safe_open(root, "dangling", O_WRONLY | O_CREAT, 0640);
        assert_true(fd >= 0);
        close(fd);
        assert_true(exists_at(s->fd, "root/missing"));
        assert_int_equal(unlinkat(s->fd, "root/missing", 0), 0);
        fd = safe_open(root, "rel/new", O_WRONLY | O_CREAT | O_EXCL, 0640);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(unlinkat(s->fd, "root/dir/sub/new", 0), 0);
    }
    unsetenv("WHERRY_NO_OPENAT2");
}

static void test_magic_links(void **state)
{
    auto_close int root = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int walk = 0; walk < 2; walk++) {
        setenv("WHERRY_NO_OPENAT2", walk ? "1" : "0", 1);
        assert_int_equal(safe_open(root, "exe", O_RDONLY, 0), -ELOOP);
        assert_int_equal(safe_open(root, "cwd/x", O_RDONLY, 0), -ELOOP);
        assert_int_equal(safe_open(root, "root/etc/passwd", O_RDONLY, 0), -ELOOP);
    }
    unsetenv("WHERRY_NO_OPENAT2");
}

static void test_long_names(void **state)
{
    struct scratch *s = *state;
    char name[512];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    for (int walk = 0; walk < 2; walk++) {
        setenv("WHERRY_NO_OPENAT2", walk ? "1" : "0", 1);
        assert_int_equal(safe_open(s->fd, name, O_RDONLY, 0), -ENAMETOOLONG);
        assert_int_equal(safe_open(s->fd, name, O_WRONLY | O_CREAT, 0600), -ENAMETOOLONG);
        name[255] = 0;
        int fd = safe_open(s->fd, name, O_WRONLY | O_CREAT, 0600);
        assert_true(fd >= 0);
        close(fd);
        name[255] = 'n';
    }
    unsetenv("WHERRY_NO_OPENAT2");
}

static void test_mkdir_parents(void **state)
{
    static const struct {
        const char *path;
        int result;
        const char *made; /* from the scratch directory */
    } made[] = {
        {"a/b/c", 0, "root/a/b/c"},         {"/abs/x", 0, "root/abs/x"},
        {"rel/new", 0, "root/dir/sub/new"}, {"to-root/fresh", 0, "root/fresh"},
        {"../climbed", 0, "root/climbed"},  {"up/up/higher", 0, "root/higher"},
        {"dir/sub", 0, "root/dir/sub"},     {"/", 0, "root"},
        {"file/x", -ENOTDIR, NULL},         {"loop-a/x", -ELOOP, NULL},
    };
    struct scratch *s = *state;
    for (int walk = 0; walk < 2; walk++) {
        setenv("WHERRY_NO_OPENAT2", walk ? "1" : "0", 1);
        make_tree(s);
        auto_close int root = openat(s->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
            auto_close int fd = safe_mkdir_parents(root, made[i].path, 0750);
            assert_int_equal(fd < 0 ? fd : 0, made[i].result);
            struct stat a, b;
            if (!made[i].made)
                continue;
            assert_int_equal(fstat(fd, &a), 0);
            assert_int_equal(fstatat(s->fd, made[i].made, &b, AT_SYMLINK_NOFOLLOW), 0);
            assert_int_equal(a.st_ino, b.st_ino);
        }
        assert_false(exists_at(s->fd, "climbed"));
        assert_int_equal(remove_tree_at(s->fd, "root", NULL), 0);
        assert_int_equal(remove_tree_at(s->fd, "outside", NULL), 0);
    }
    unsetenv("WHERRY_NO_OPENAT2");
}

static void test_split(void **state)
{
    static const struct {
        const char *path, *dir, *name;
    } split[] = {
        {"a", ".", "a"},    {"a/b", "a", "b"},     {"/a", "/", "a"},  {"/a/b", "/a", "b"},
        {"a/b/", "a", "b"}, {"a//b//", "a", "b"},  {"/", ".", "."},   {"", ".", "."},
        {"///", ".", "."},  {"a/b/c", "a/b", "c"}, {"//a", "/", "a"}, {"..", ".", ".."},
    };
    for (size_t i = 0; i < sizeof(split) / sizeof(*split); i++) {
        auto_free char *dir = NULL, *name = NULL;
        path_split(split[i].path, &dir, &name);
        assert_string_equal(dir, split[i].dir);
        assert_string_equal(name, split[i].name);
    }
}

static void test_clean_and_join(void **state)
{
    static const struct {
        const char *base, *path, *joined;
    } join[] = {
        {"/", "a", "/a"},     {"/a", "b/../c", "/a/c"},        {"/a", "/b", "/b"},
        {"/a/b", "..", "/a"}, {"/a", "../../..", "/"},         {"/a", ".", "/a"},
        {"a", "../..", ".."}, {"/a", "b//c/./d/", "/a/b/c/d"}, {"/a", "", "/a"},
    };
    static const struct {
        const char *path, *clean;
    } clean[] = {
        {"", "."},
        {".", "."},
        {"/", "/"},
        {"//", "/"},
        {"a/", "a"},
        {"a/..", "."},
        {"../a", "../a"},
        {"/..", "/"},
        {"a/../..", ".."},
        {"./a", "a"},
        {"a//b", "a/b"},
        {"/a/./b", "/a/b"},
        {"../../a/..", "../.."},
        {"...", "..."},
    };
    for (size_t i = 0; i < sizeof(join) / sizeof(*join); i++) {
        auto_free char *joined = path_join(join[i].base, join[i].path);
        assert_string_equal(joined, join[i].joined);
    }
    for (size_t i = 0; i < sizeof(clean) / sizeof(*clean); i++) {
        auto_free char *cleaned = path_clean(clean[i].path);
        assert_string_equal(cleaned, clean[i].clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_openat2),
        scratch_test(test_walk),
        scratch_test(test_create_through_links),
        cmocka_unit_test(test_magic_links),
        scratch_test(test_long_names),
        scratch_test(test_mkdir_parents),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_clean_and_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
