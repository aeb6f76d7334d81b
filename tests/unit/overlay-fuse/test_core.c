/* SPDX-License-Identifier: Apache-2.0 */
/* The merge core by path: layers and a writable directory together, in process. */
#include "base/alloc.h"
#include "base/file.h"
#include "tests/unit/overlay-fuse/world.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cmocka.h>

#define FILE644     (S_IFREG | 0644)
#define DIR755      (S_IFDIR | 0755)
#define LINK        (S_IFLNK | 0777)
#define LAYER(w, e) world_layer(w, e, sizeof(e) / sizeof(*(e)))

static const struct tar_entry bottom[] = {
    {.mode = DIR755, .path = "bin", .mtime = {10, 0}},
    {.mode = S_IFREG | 04755, .path = "bin/su", .data = "su", .mtime = {11, 0}},
    {.mode = FILE644, .path = "bin/tool", .data = "tool", .uid = 7, .gid = 8, .mtime = {12, 0}},
    {.path = "bin/tool2", .target = "bin/tool"},
    {.mode = FILE644, .path = "etc/passwd", .data = "root", .mtime = {13, 0}},
    {.mode = FILE644, .path = "etc/gone", .data = "gone", .mtime = {14, 0}},
    {.mode = DIR755, .path = "etc/old", .mtime = {15, 0}},
    {.mode = FILE644, .path = "etc/old/x", .data = "x", .mtime = {16, 0}},
    {.mode = LINK, .path = "lib", .target = "usr/lib", .mtime = {17, 0}},
    {.mode = FILE644, .path = "usr/lib/a.so", .data = "elf", .mtime = {18, 0}},
    {.mode = S_IFCHR | 0666, .path = "dev/null", .major = 1, .minor = 3, .mtime = {19, 0}},
    {.mode = LINK, .path = "usr/up", .target = "../../../etc", .mtime = {20, 0}},
    {.mode = LINK, .path = "loop", .target = "loop2", .mtime = {21, 0}},
    {.mode = LINK, .path = "loop2", .target = "/loop", .mtime = {22, 0}},
    {.mode = LINK, .path = "dangling", .target = "/no/thing", .mtime = {23, 0}},
};
static const struct tar_entry middle[] = {
    {.mode = FILE644, .path = "etc/.wh.gone"},
    {.mode = FILE644, .path = "etc/old/.wh..wh..opq"},
    {.mode = FILE644, .path = "etc/old/y", .data = "y", .mtime = {30, 0}},
    {.mode = S_IFDIR | 0700, .path = "bin", .uid = 5, .mtime = {31, 0}},
    {.mode = FILE644, .path = "bin/new", .data = "new", .mtime = {32, 0}},
};
static const struct tar_entry top[] = {
    {.mode = FILE644, .path = "etc/gone", .data = "back", .mtime = {40, 0}},
    {.mode = LINK, .path = "etc/passwd", .target = "gone", .mtime = {41, 0}},
    {.mode = FILE644, .path = ".wh.dev"},
};

static const char merged[] = "/bin d700 5:0\n"
                             "/bin/new -644 @32 \"new\"\n"
                             "/bin/su -4755 @11 \"su\"\n"
                             "/bin/tool -644 7:8 x2 @12 \"tool\"\n"
                             "/bin/tool2 -644 7:8 x2 @12 \"tool\"\n"
                             "/dangling l777 @23 -> /no/thing\n"
                             "/etc d755\n"
                             "/etc/gone -644 @40 \"back\"\n"
                             "/etc/old d755\n"
                             "/etc/old/y -644 @30 \"y\"\n"
                             "/etc/passwd l777 @41 -> gone\n"
                             "/lib l777 @17 -> usr/lib\n"
                             "/loop l777 @21 -> loop2\n"
                             "/loop2 l777 @22 -> /loop\n"
                             "/usr d755\n"
                             "/usr/lib d755\n"
                             "/usr/lib/a.so -644 @18 \"elf\"\n"
                             "/usr/up l777 @20 -> ../../../etc\n";

static void three_layers(struct world *w)
{
    LAYER(w, bottom);
    LAYER(w, middle);
    LAYER(w, top);
}

static void expect_text(const char *what, char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s:\n%s--- wanted:\n%s", what, got, want);
    free(got);
}

/* The view is this one, now and after the overlay was opened anew. */
static void expect_view(struct world *w, const char *want)
{
    expect_text("view", world_view(w), want);
    world_close(w);
    world_open(w);
    expect_text("view after reopening", world_view(w), want);
}

static void test_merge(void **state)
{
    struct world w;
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    expect_text("changes", world_changes(&w), "");
    expect_view(&w, merged);
    world_close(&w);
    w.options.upper = w.options.work = NULL;
    world_open(&w);
    expect_view(&w, merged);
    world_done(&w);
}

static void test_few_layers(void **state)
{
    struct world w;
    struct stat st;
    world_init(&w, false);
    world_open(&w);
    expect_view(&w, "");
    assert_int_equal(overlay_stat(w.ov, "/", 0, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    world_close(&w);
    w.options.upper = w.options.work = NULL;
    world_open(&w); /* nothing at all */
    expect_view(&w, "");
    world_close(&w);
    static const struct tar_entry one[] = {{.mode = S_IFDIR | 0700, .path = "./", .uid = 4},
                                           {.mode = FILE644, .path = "a", .mtime = {1, 0}}};
    LAYER(&w, one);
    world_open(&w);
    expect_view(&w, "/a -644 @1 \"\"\n");
    assert_int_equal(overlay_stat(w.ov, "/", 0, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    assert_int_equal(st.st_uid, 4);
    world_done(&w);
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        int code;
        const char *real, *missing; /* NULL: -ENOENT */
    } cases[] = {
        {"", 0, "/", "/"},
        {"/", 0, "/", "/"},
        {"/..", 0, "/", "/"},
        {"bin//./su", 0, "/bin/su", "/bin/su"},
        {"/lib/a.so", 0, "/usr/lib/a.so", "/usr/lib/a.so"},
        {"/lib/../lib/", 0, "/usr/lib", "/usr/lib"},
        {"/usr/up", 0, "/etc", "/etc"},
        {"/usr/up/passwd", 0, "/etc/gone", "/etc/gone"},
        {"/usr/up/../bin", 0, "/bin", "/bin"},
        {"/../../../etc", 0, "/etc", "/etc"},
        {"/no", 0, NULL, "/no"},
        {"/no/such/thing", 0, NULL, "/no/such/thing"},
        {"/no/./such/", 0, NULL, "/no/such"},
        {"/dangling", 0, NULL, "/no/thing"},
        {"/dangling/x", 0, NULL, "/no/thing/x"},
        {"/dev/null", 0, NULL, "/dev/null"},
        {"/etc/old/x", 0, NULL, "/etc/old/x"},
        {"/no/..", -ENOENT, NULL, NULL},
        {"/bin/su/x", -ENOTDIR, NULL, NULL},
        {"/bin/su/..", -ENOTDIR, NULL, NULL},
        {"/loop", -ELOOP, NULL, NULL},
        {"/loop/x", -ELOOP, NULL, NULL},
    };
    struct world w;
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *real = NULL, *missing = NULL;
        struct stat st;
        int r = overlay_realpath(w.ov, cases[i].path, false, &real);
        int want = cases[i].code ? cases[i].code : cases[i].real ? 0 : -ENOENT;
        if (r != want || (r == 0 && strcmp(real, cases[i].real) != 0))
            fail_msg("\"%s\": %d %s", cases[i].path, r, real);
        assert_int_equal(overlay_stat(w.ov, cases[i].path, 0, &st), want);
        r = overlay_realpath(w.ov, cases[i].path, true, &missing);
        if (r != cases[i].code || (r == 0 && strcmp(missing, cases[i].missing) != 0))
            fail_msg("\"%s\" with a missing rest: %d %s", cases[i].path, r, missing);
    }
    auto_free char *name = xcalloc(300, 1);
    memset(name, 'n', 256);
    assert_int_equal(overlay_realpath(w.ov, name, true, &name), -ENAMETOOLONG);
    world_done(&w);
}

static void test_read(void **state)
{
    struct world w;
    char data[8];
    auto_free char *target = NULL;
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    assert_int_equal(overlay_read(w.ov, "/bin/tool", data, 8, 1), 3);
    assert_memory_equal(data, "ool", 3);
    assert_int_equal(overlay_read(w.ov, "/bin/tool", data, 2, 1), 2);
    assert_int_equal(overlay_read(w.ov, "/bin/tool", data, 8, 4), 0);
    assert_int_equal(overlay_read(w.ov, "/bin/tool", data, 8, UINT64_MAX), 0);
    assert_int_equal(overlay_read(w.ov, "/etc/passwd", data, 8, 0), 4); /* through the link */
    assert_memory_equal(data, "back", 4);
    assert_int_equal(overlay_read(w.ov, "/etc", data, 8, 0), -EISDIR);
    assert_int_equal(overlay_read(w.ov, "/no", data, 8, 0), -ENOENT);
    assert_int_equal(overlay_readlink(w.ov, "/etc", &target), -EINVAL);
    assert_int_equal(overlay_list(w.ov, "/bin/su", NULL, NULL), -ENOTDIR);
    world_done(&w);
}

static const struct overlay_attr plain = {.mode = 0644, .mtime = {50, 0}};

static int put_text(struct world *w, const char *path, const char *text,
                    const struct overlay_attr *attr)
{
    struct err err = {0};
    auto_close int fd = memfd_create("data", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    int r = overlay_put_file(w->ov, path, attr, fd, &err);
    assert_int_equal(!r, !*err.message);
    return r;
}

static void do_changes(struct world *w)
{
    const struct overlay_attr odd = {.uid = 1000, .gid = 70000, .mode = 06751, .mtime = {51, 0}},
                              dir = {.mode = 01777, .uid = 3, .mtime = {52, 0}},
                              pipe = {.mode = S_IFIFO | 0600, .mtime = {53, 0}},
                              disk = {.mode = S_IFBLK | 0660, .gid = 6, .mtime = {54, 0}},
                              sock = {.mode = S_IFSOCK | 0755, .mtime = {55, 0}};
    struct err err = {0};
    assert_int_equal(put_text(w, "/bin/su", "mine", &odd), 0);
    assert_int_equal(put_text(w, "/plain", "", &plain), 0);
    assert_int_equal(put_text(w, "/lib/b.so", "elf2", &plain), 0); /* the parent is a link */
    assert_int_equal(put_text(w, "/lib", "no link any more", &plain), 0);
    assert_int_equal(overlay_mkdirs(w->ov, "/var/log/deep", &dir, &err), 0);
    assert_int_equal(overlay_mkdirs(w->ov, "/bin", &dir, &err), 0); /* is left as it is */
    assert_int_equal(overlay_put_symlink(w->ov, "/root-link", "t", &plain, &err), 0);
    assert_int_equal(overlay_put_symlink(w->ov, "/own-link", "t/u", &odd, &err), 0);
    assert_int_equal(overlay_put_node(w->ov, "/var/p", &pipe, 0, &err), 0);
    assert_int_equal(overlay_put_node(w->ov, "/var/b", &disk, makedev(259, 70000), &err), 0);
    assert_int_equal(overlay_put_node(w->ov, "/var/s", &sock, 0, &err), 0);
    assert_int_equal(overlay_set_attr(w->ov, "/bin/tool2", &odd, &err), 0);
    assert_int_equal(overlay_set_xattr(w->ov, "/plain", "user.k", "v", 1, &err), 0);
    assert_int_equal(overlay_set_xattr(w->ov, "/plain", "security.s", "w", 1, &err), 0);
    assert_int_equal(overlay_set_xattr(w->ov, "/plain", "user.wherry.meta", "x", 1, &err), 0);
    assert_int_equal(overlay_remove(w->ov, "/etc", &err), 0);
    assert_int_equal(overlay_mkdirs(w->ov, "/etc/old", &dir, &err), 0);
    assert_int_equal(overlay_remove(w->ov, "/bin/new", &err), 0);
    assert_int_equal(overlay_remove(w->ov, "/loop", &err), 0);
    assert_int_equal(overlay_put_symlink(w->ov, "/loop", "l", &plain, &err), 0);
    assert_int_equal(overlay_remove(w->ov, "/usr/up", &err), 0);
}

static const char changed_view[] = "/bin d700 5:0\n"
                                   "/bin/su -6751 1000:70000 @51 \"mine\"\n"
                                   "/bin/tool -6751 1000:70000 x2 @51 \"tool\"\n"
                                   "/bin/tool2 -6751 1000:70000 x2 @51 \"tool\"\n"
                                   "/dangling l777 @23 -> /no/thing\n"
                                   "/etc d1777 3:0\n"
                                   "/etc/old d1777 3:0\n"
                                   "/lib -644 @50 \"no link any more\"\n"
                                   "/loop l777 @50 -> l\n"
                                   "/loop2 l777 @22 -> /loop\n"
                                   "/own-link l777 1000:70000 @51 -> t/u\n"
                                   "/plain -644 @50 \"\"\n"
                                   "/root-link l777 @50 -> t\n"
                                   "/usr d755\n"
                                   "/usr/lib d755\n"
                                   "/usr/lib/a.so -644 @18 \"elf\"\n"
                                   "/usr/lib/b.so -644 @50 \"elf2\"\n"
                                   "/var d1777 3:0\n"
                                   "/var/b b660 0:6 259,70000 @54\n"
                                   "/var/log d1777 3:0\n"
                                   "/var/log/deep d1777 3:0\n"
                                   "/var/p p600 @53\n"
                                   "/var/s s755 @55\n";

static const char changes[] = "bin changed d700 5:0\n"
                              "bin/new whiteout\n"
                              "bin/su changed -6751 1000:70000 @51 \"mine\"\n"
                              "bin/tool changed -6751 1000:70000 x2 @51 \"tool\" of the layer\n"
                              "bin/tool2 changed -6751 1000:70000 x2 @51 = bin/tool\n"
                              "etc changed opaque d1777 3:0\n"
                              "etc/old new d1777 3:0\n"
                              "lib changed -644 @50 \"no link any more\"\n"
                              "loop changed l777 @50 -> l\n"
                              "own-link new l777 1000:70000 @51 -> t/u\n"
                              "plain new -644 @50 \"\" security.s=w user.k=v user.wherry.meta=x\n"
                              "root-link new l777 @50 -> t\n"
                              "usr changed d755\n"
                              "usr/lib changed d755\n"
                              "usr/lib/b.so new -644 @50 \"elf2\"\n"
                              "usr/up whiteout\n"
                              "var new d1777 3:0\n"
                              "var/b new b660 0:6 259,70000 @54\n"
                              "var/log new d1777 3:0\n"
                              "var/log/deep new d1777 3:0\n"
                              "var/p new p600 @53\n"
                              "var/s new s755 @55\n";

static void expect_no_attributes(const struct world *w)
{
    static const char *const paths[] = {"", "bin", "bin/su", "bin/tool", "etc", "plain", "var/b"};
    char names[256];
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        auto_free char *path = xasprintf("%s/%s", w->upper, paths[i]);
        assert_int_equal(llistxattr(path, names, sizeof(names)), 0);
    }
}

static void check_changes(bool prefix, bool journal)
{
    struct world w;
    world_init(&w, prefix);
    if (journal)
        world_keep_journal(&w);
    three_layers(&w);
    world_open(&w);
    do_changes(&w);
    expect_view(&w, changed_view);
    expect_text("changes", world_changes(&w), changes);
    world_close(&w);
    world_open(&w);
    expect_view(&w, changed_view);
    if (journal)
        expect_no_attributes(&w);
    struct stat st;
    if (prefix) {
        assert_int_equal(fstatat(w.fd, "upper/bin/.wh.new", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
        assert_int_equal(fstatat(w.fd, "upper/bin/new", &st, AT_SYMLINK_NOFOLLOW), -1);
    } else {
        assert_int_equal(fstatat(w.fd, "upper/bin/new", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
    }
    world_done(&w);
}

static void test_changes(void **state)
{
    check_changes(false, false);
}

static void test_changes_prefix(void **state)
{
    check_changes(true, false);
}

static void test_changes_journal(void **state)
{
    check_changes(false, true);
    check_changes(true, true);
}

/* Numbers of files are no more those that the journal speaks of. */
static void test_copied_journal(void **state)
{
    struct world w;
    struct err err = {0};
    world_init(&w, false);
    world_keep_journal(&w);
    three_layers(&w);
    world_open(&w);
    world_close(&w);
    auto_free char *copy = xasprintf("%s/copy", w.path);
    assert_int_equal(mkdir(copy, 0755), 0);
    w.options.upper = copy;
    assert_int_equal(overlay_open(&w.options, &w.ov, &err), -ESTALE);
    assert_non_null(strstr(err.message, w.work));
    err_clear(&err);
    assert_int_equal(overlay_changes(&w.options, NULL, NULL, &err), -ESTALE);
    w.options.upper = w.upper;
    world_open(&w);
    world_done(&w);
}

/* What containers/storage and others are to find on disk. */
static void test_on_disk(void **state)
{
    static const struct {
        const char *path;
        mode_t type, mode;
        const char *override; /* NULL: none */
    } cases[] = {
        {"bin/su", S_IFREG, 0751, "1000:70000:6751"},
        {"plain", S_IFREG, 0644, NULL},
        {"var", S_IFDIR, 0777, "3:0:1777"},
        {"own-link", S_IFREG, 0777, "1000:70000:777:symlink"},
        {"var/p", S_IFREG, 0600, "0:0:600:pipe"},
        {"var/b", S_IFREG, 0660, "0:6:660:block-259-70000"},
        {"var/s", S_IFREG, 0755, "0:0:755:socket"},
        {"usr", S_IFDIR, 0755, NULL},
    };
    struct world w;
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    do_changes(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *path = xasprintf("%s/%s", w.upper, cases[i].path);
        char text[64];
        struct stat st;
        assert_int_equal(lstat(path, &st), 0);
        if (st.st_mode != (cases[i].type | cases[i].mode) || st.st_uid != geteuid())
            fail_msg("%s: mode %o", path, st.st_mode);
        ssize_t n = lgetxattr(path, "user.containers.override_stat", text, sizeof(text) - 1);
        text[n < 0 ? 0 : n] = 0;
        if (cases[i].override ? strcmp(text, cases[i].override) != 0 : n >= 0)
            fail_msg("%s: override \"%s\"", path, text);
    }
    auto_free char *link = xasprintf("%s/root-link", w.upper);
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    world_done(&w);
}

static void test_refusals(void **state)
{
    struct world w;
    struct err err = {0};
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    char *before = world_view(&w);
    assert_int_equal(put_text(&w, "/no/x", "", &plain), -ENOENT);
    assert_int_equal(put_text(&w, "/bin/su/x", "", &plain), -ENOTDIR);
    assert_int_equal(put_text(&w, "/bin", "", &plain), -EISDIR);
    assert_int_equal(put_text(&w, "/", "", &plain), -EISDIR);
    assert_int_equal(overlay_mkdirs(w.ov, "/bin/su/d", &plain, &err), -ENOTDIR);
    assert_int_equal(overlay_mkdirs(w.ov, "/bin/su", &plain, &err), -ENOTDIR);
    assert_int_equal(overlay_remove(w.ov, "/no", &err), -ENOENT);
    assert_int_equal(overlay_remove(w.ov, "/", &err), -EBUSY);
    assert_int_equal(overlay_set_attr(w.ov, "/no", &plain, &err), -ENOENT);
    assert_int_equal(overlay_set_xattr(w.ov, "/no", "user.a", "", 0, &err), -ENOENT);
    expect_view(&w, before);
    world_close(&w);
    expect_text("changes", world_changes(&w), "");
    w.options.upper = w.options.work = NULL;
    world_open(&w);
    assert_int_equal(put_text(&w, "/x", "", &plain), -EROFS);
    assert_int_equal(put_text(&w, "/bin/su", "", &plain), -EROFS);
    assert_int_equal(overlay_mkdirs(w.ov, "/d", &plain, &err), -EROFS);
    assert_int_equal(overlay_remove(w.ov, "/bin", &err), -EROFS);
    assert_int_equal(overlay_set_attr(w.ov, "/bin", &plain, &err), -EROFS);
    assert_int_equal(overlay_set_xattr(w.ov, "/bin/su", "user.a", "", 0, &err), -EROFS);
    expect_view(&w, before);
    free(before);
    world_done(&w);
}

/* An empty directory gives way to a file, one of the layers too. */
static void test_put_over_empty_dir(void **state)
{
    struct world w;
    struct err err = {0};
    static const struct tar_entry dirs[] = {{.mode = DIR755, .path = "a"},
                                            {.mode = DIR755, .path = "b"}};
    world_init(&w, false);
    LAYER(&w, dirs);
    world_open(&w);
    assert_int_equal(put_text(&w, "/a", "x", &plain), 0);
    assert_int_equal(overlay_put_symlink(w.ov, "/b", "y", &plain, &err), 0);
    assert_int_equal(overlay_mkdirs(w.ov, "/c", &plain, &err), 0);
    assert_int_equal(put_text(&w, "/c", "z", &plain), 0);
    expect_view(&w, "/a -644 @50 \"x\"\n/b l777 @50 -> y\n/c -644 @50 \"z\"\n");
    world_done(&w);
}

/* Names that look like whiteouts are the user's, unless the upper needs the form. */
static void test_wh_names(void **state)
{
    struct world w;
    world_init(&w, false);
    world_open(&w);
    assert_int_equal(put_text(&w, "/.wh.x", "1", &plain), 0);
    expect_view(&w, "/.wh.x -644 @50 \"1\"\n");
    world_done(&w);
    world_init(&w, true);
    world_open(&w);
    assert_int_equal(put_text(&w, "/.wh.x", "1", &plain), -EINVAL);
    world_done(&w);
}

static void test_lock(void **state)
{
    struct world w;
    struct overlay *second = NULL;
    struct err err = {0};
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    assert_int_equal(overlay_open(&w.options, &second, &err), -EBUSY);
    assert_int_equal(err.kind, ERR_IN_USE);
    assert_null(second);
    assert_int_equal(put_text(&w, "/x", "1", &plain), 0);
    /* a reader of the changes needs no lock */
    expect_text("changes", world_changes(&w), "x new -644 @50 \"1\"\n");
    world_close(&w);
    world_open(&w);
    world_done(&w);
}

static void test_open_errors(void **state)
{
    struct world w;
    struct err err = {0};
    struct overlay *ov = NULL;
    world_init(&w, false);
    three_layers(&w);
    assert_int_equal(tar_save(w.fd, "1.index", "damaged", 7), 0);
    assert_int_equal(overlay_open(&w.options, &ov, &err), -ESTALE);
    assert_int_equal(tar_index(w.fd, "1.tar", "1.index", &err), 0);
    assert_int_equal(unlinkat(w.fd, "upper", AT_REMOVEDIR), 0);
    assert_int_equal(overlay_open(&w.options, &ov, &err), -ENOENT);
    assert_null(ov);
    world_done(&w);
}

/* Inode numbers: one an object, kept by a copy and by the next opening. */
static void test_inode_numbers(void **state)
{
    struct world w;
    struct stat a, b, c;
    struct err err = {0};
    static const char *const paths[] = {"/bin/su", "/bin", "/bin/tool", "/lib", "/etc/old"};
    world_init(&w, false);
    three_layers(&w);
    world_open(&w);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        assert_int_equal(overlay_stat(w.ov, paths[i], OVERLAY_NOFOLLOW, &a), 0);
        assert_int_equal(
            overlay_set_attr(w.ov, paths[i], &(struct overlay_attr){.uid = 9, .mode = 0700}, &err),
            0);
        assert_int_equal(overlay_stat(w.ov, paths[i], OVERLAY_NOFOLLOW, &b), 0);
        world_close(&w);
        world_open(&w);
        assert_int_equal(overlay_stat(w.ov, paths[i], OVERLAY_NOFOLLOW, &c), 0);
        if (a.st_ino != b.st_ino || a.st_ino != c.st_ino)
            fail_msg("%s: %lu %lu %lu", paths[i], a.st_ino, b.st_ino, c.st_ino);
    }
    assert_int_equal(overlay_stat(w.ov, "/bin/tool2", 0, &a), 0);
    assert_int_equal(overlay_stat(w.ov, "/bin/tool", 0, &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    world_done(&w);
}

/* A record that makes no sense is EIO for its object alone. */
static void test_damaged_records(void **state)
{
    static const char *const records[] = {
        "",         "1:2",        "x", "1:2:644:", "1:2:9", "1:2:644:ghost", "1:2:644:char-1",
        "1:2:644 ", "1:2:644:dir"};
    struct world w;
    struct stat st;
    world_init(&w, false);
    for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
        world_open(&w);
        assert_int_equal(put_text(&w, "/x", "1", &plain), 0);
        assert_int_equal(put_text(&w, "/y", "1", &plain), 0);
        world_close(&w);
        auto_free char *x = xasprintf("%s/x", w.upper);
        assert_int_equal(
            setxattr(x, "user.containers.override_stat", records[i], strlen(records[i]), 0), 0);
        world_open(&w);
        if (overlay_stat(w.ov, "/x", 0, &st) != -EIO)
            fail_msg("\"%s\" is accepted: %o", records[i], st.st_mode);
        assert_int_equal(overlay_stat(w.ov, "/y", 0, &st), 0);
        world_close(&w);
        assert_int_equal(unlink(x), 0);
    }
    world_done(&w);
}

/* A crash can leave both a ".wh." file and the object: the object counts, also for a commit. */
static void test_whiteout_beside_object(void **state)
{
    struct world w;
    world_init(&w, true);
    LAYER(&w, bottom);
    world_open(&w);
    assert_int_equal(put_text(&w, "/loop", "1", &plain), 0);
    char *before = world_view(&w);
    world_close(&w);
    assert_int_equal(tar_save(w.fd, "upper/.wh.loop", "", 0), 0);
    world_open(&w);
    expect_text("view", world_view(&w), before);
    free(before);
    expect_text("changes", world_changes(&w), "loop changed -644 @50 \"1\"\n");
    world_done(&w);
}

/* The layers below are never written: neither their tars nor their indexes. */
static void test_layers_stay(void **state)
{
    struct world w;
    auto_buf before = {0}, after = {0};
    world_init(&w, false);
    three_layers(&w);
    assert_int_equal(file_read_at(w.fd, "0.tar", 1 << 20, &before, NULL), 0);
    world_open(&w);
    do_changes(&w);
    world_close(&w);
    assert_int_equal(file_read_at(w.fd, "0.tar", 1 << 20, &after, NULL), 0);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, after.len);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_few_layers),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_changes_prefix),
        cmocka_unit_test(test_changes_journal),
        cmocka_unit_test(test_copied_journal),
        cmocka_unit_test(test_on_disk),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_put_over_empty_dir),
        cmocka_unit_test(test_wh_names),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_open_errors),
        cmocka_unit_test(test_inode_numbers),
        cmocka_unit_test(test_damaged_records),
        cmocka_unit_test(test_whiteout_beside_object),
        cmocka_unit_test(test_layers_stay),
    };
    return cmocka_run_group_tests_name("overlay-fuse/core", tests, NULL, NULL);
}
