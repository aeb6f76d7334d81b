/* SPDX-License-Identifier: Apache-2.0 */
/* The layer index: what a tar becomes in it, and that nothing damaged is believed. */
#include "base/alloc.h"
#include "overlay-fuse/layer.h"
#include "overlay-fuse/layer_index.h"
#include "tests/unit/overlay-fuse/index_dump.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

#define FILE644 (S_IFREG | 0644)
#define DIR755  (S_IFDIR | 0755)
#define LINK    (S_IFLNK | 0777)

static char *in_scratch(const struct scratch *s, const char *name)
{
    return xasprintf("%s/%s", s->path, name);
}

static int open_layer(const struct scratch *s, struct layer *ret, struct err *err)
{
    auto_free char *tar = in_scratch(s, "tar"), *index = in_scratch(s, "index");
    return layer_open(tar, index, ret, err);
}

/* Saves the tar, writes its index, and says what is in it; or the error. */
static int dump_tar(const struct scratch *s, const struct buf *tar, struct buf *ret,
                    struct err *err)
{
    struct layer l;
    assert_int_equal(tar_save(s->fd, "tar", tar->data, tar->len), 0);
    int r = tar_index(s->fd, "tar", "index", err);
    if (r < 0)
        return r;
    r = open_layer(s, &l, err);
    if (r < 0)
        fail_msg("what was written cannot be read: %s", err->message);
    index_dump(&l, ret);
    layer_close(&l);
    return 0;
}

static void expect_dump(const struct scratch *s, const char *name, const struct buf *tar,
                        const char *want)
{
    struct err err = {0};
    auto_buf got = {0};
    if (dump_tar(s, tar, &got, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    if (strcmp(buf_str(&got), want) != 0)
        fail_msg("%s:\n%s--- wanted:\n%s", name, buf_str(&got), want);
}

/* --- what a tar becomes ------------------------------------------------------------------- */

#define N255                                                                                       \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"        \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"        \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define ROOT            "/ dir 755 0:0 x2 implicit\n"
#define ROOT_AND_SUBDIR "/ dir 755 0:0 x3 implicit\n"

static const struct tar_case {
    const char *name;
    struct tar_entry e[8];
    const char *want;
} tar_cases[] = {
    {"nothing", {{0}}, ROOT},
    {"every kind",
     {{.mode = S_IFDIR | 01777, .path = "d/", .uid = 1, .gid = 2, .mtime = {100, 5}},
      {.mode = S_IFREG | 04755, .path = "f", .data = "hello", .uid = 70000, .gid = 80000},
      {.mode = LINK, .path = "l", .target = "../f x"},
      {.mode = S_IFCHR | 0620, .path = "c", .major = 5, .minor = 1},
      {.mode = S_IFBLK | 0660, .path = "b", .major = 259, .minor = 70000, .gid = 6},
      {.mode = S_IFIFO | 0600, .path = "p"},
      {.mode = FILE644, .path = "empty"}},
     ROOT_AND_SUBDIR "/b block 660 0:6 259,70000\n"
                     "/c char 620 0:0 5,1\n"
                     "/d dir 1777 1:2 @100.5 x2\n"
                     "/empty file 644 0:0 size=0\n"
                     "/f file 4755 70000:80000 size=5 data=hello\n"
                     "/l link 777 0:0 -> ../f\\20x\n"
                     "/p fifo 600 0:0\n"},
    {"the root has an entry",
     {{.mode = S_IFDIR | 0700, .path = "./", .uid = 3, .mtime = {7, 0}},
      {.mode = FILE644, .path = "./a"}},
     "/ dir 700 3:0 @7.0 x2\n/a file 644 0:0 size=0\n"},
    {"sorted by bytes, whatever the tar's order",
     {{.mode = FILE644, .path = "b"},
      {.mode = FILE644, .path = "\xc3\xa9"},
      {.mode = FILE644, .path = "a-"},
      {.mode = FILE644, .path = "B"},
      {.mode = FILE644, .path = "a/x"},
      {.mode = FILE644, .path = "\xff"},
      {.mode = FILE644, .path = "ab"}},
     ROOT_AND_SUBDIR "/B file 644 0:0 size=0\n/a dir 755 0:0 x2 implicit\n"
                     "/a/x file 644 0:0 size=0\n/a- file 644 0:0 size=0\n"
                     "/ab file 644 0:0 size=0\n/b file 644 0:0 size=0\n"
                     "/\\c3\\a9 file 644 0:0 size=0\n/\\ff file 644 0:0 size=0\n"},
    {"hard links are one inode",
     {{.mode = FILE644, .path = "a", .data = "x"},
      {.path = "d/b", .target = "a"},
      {.path = "c", .target = "./d/b"}},
     ROOT_AND_SUBDIR "/a file 644 0:0 x3 size=1 data=x names a c b\n"
                     "/c file 644 0:0 x3 size=1 data=x names a c b\n"
                     "/d dir 755 0:0 x2 implicit\n"
                     "/d/b file 644 0:0 x3 size=1 data=x names a c b\n"},
    {"hard links to a symbolic link and to a fifo",
     {{.mode = LINK, .path = "a", .target = "t"},
      {.path = "b", .target = "a"},
      {.mode = S_IFIFO | 0600, .path = "p"},
      {.path = "q", .target = "/p"}},
     ROOT "/a link 777 0:0 x2 -> t names a b\n/b link 777 0:0 x2 -> t names a b\n"
          "/p fifo 600 0:0 x2 names p q\n/q fifo 600 0:0 x2 names p q\n"},
    {"a name that a link has is replaced: the others stay",
     {{.mode = FILE644, .path = "a", .data = "old"},
      {.path = "b", .target = "a"},
      {.mode = FILE644, .path = "a", .data = "new"}},
     ROOT "/a file 644 0:0 size=3 data=new\n/b file 644 0:0 size=3 data=old\n"},
    {"a hard link to itself", /* GNU tar can write that after a name was replaced */
     {{.mode = FILE644, .path = "a", .data = "x"}, {.path = "a", .target = "a"}},
     ROOT "/a file 644 0:0 size=1 data=x\n"},
    {"long names",
     {{.mode = FILE644, .path = N255 "/" N255 "/f"},
      {.path = "h", .target = N255 "/" N255 "/f"},
      {.mode = LINK, .path = "l", .target = N255 "/" N255}},
     ROOT_AND_SUBDIR "/h file 644 0:0 x2 size=0 names h f\n"
                     "/l link 777 0:0 -> " N255 "/" N255 "\n"
                     "/" N255 " dir 755 0:0 x3 implicit\n"
                     "/" N255 "/" N255 " dir 755 0:0 x2 implicit\n"
                     "/" N255 "/" N255 "/f file 644 0:0 x2 size=0 names h f\n"},
    {"extended attributes",
     {{.mode = FILE644,
       .path = "f",
       .xattrs = (struct tar_xattr[]){{"user.b", "2"}, {"security.capability", "\1c"}, {0}}},
      {.mode = DIR755, .path = "d", .xattrs = (struct tar_xattr[]){{"trusted.x", ""}, {0}}}},
     ROOT_AND_SUBDIR "/d dir 755 0:0 x2 trusted.x=\n"
                     "/f file 644 0:0 size=0 user.b=2 security.capability=\\01c\n"},
    {"times before 1970 and fractions",
     {{.mode = FILE644, .path = "f", .mtime = {-1, 999999999}}},
     ROOT "/f file 644 0:0 @-1.999999999 size=0\n"},
    {"whiteouts",
     {{.mode = FILE644, .path = ".wh.a"},
      {.mode = FILE644, .path = "d/.wh.b"},
      {.mode = FILE644, .path = "d/.wh..hidden"},
      {.mode = FILE644, .path = "d/.wh...x"}},
     ROOT_AND_SUBDIR "/a whiteout\n/d dir 755 0:0 x2 implicit\n"
                     "/d/..x whiteout\n/d/.hidden whiteout\n/d/b whiteout\n"},
    {"opaque directories",
     {{.mode = S_IFDIR | 0711, .path = "d"},
      {.mode = FILE644, .path = "d/.wh..wh..opq"},
      {.mode = FILE644, .path = "i/.wh..wh..opq"},
      {.mode = FILE644, .path = "d/f"}},
     "/ dir 755 0:0 x4 implicit\n/d dir 711 0:0 x2 opaque\n/d/f file 644 0:0 size=0\n"
     "/i dir 755 0:0 x2 implicit opaque\n"},
    {"opaque before the directory's own entry",
     {{.mode = FILE644, .path = "d/.wh..wh..opq"}, {.mode = S_IFDIR | 0711, .path = "d"}},
     ROOT_AND_SUBDIR "/d dir 711 0:0 x2 opaque\n"},
    {"an opaque root",
     {{.mode = FILE644, .path = ".wh..wh..opq"}},
     "/ dir 755 0:0 x2 implicit opaque\n"},
    {"a whiteout and an object of one name: a directory hides what is below",
     {{.mode = FILE644, .path = ".wh.d"},
      {.mode = DIR755, .path = "d"},
      {.mode = FILE644, .path = "f", .data = "x"},
      {.mode = FILE644, .path = ".wh.f"},
      {.mode = DIR755, .path = "e"},
      {.mode = FILE644, .path = ".wh.e"}},
     "/ dir 755 0:0 x4 implicit\n/d dir 755 0:0 x2 opaque\n/e dir 755 0:0 x2 opaque\n"
     "/f file 644 0:0 size=1 data=x\n"},
    {"aufs's bookkeeping is no content",
     {{.mode = FILE644, .path = ".wh..wh.aufs"}, {.mode = FILE644, .path = ".wh..wh.plnk/x"}},
     /* a directory of that name is somebody's; only the mark itself is known */
     ROOT_AND_SUBDIR "/.wh..wh.plnk dir 755 0:0 x2 implicit\n"
                     "/.wh..wh.plnk/x file 644 0:0 size=0\n"},
    {"names that only look like whiteouts",
     {{.mode = FILE644, .path = ".wh"}, {.mode = FILE644, .path = "x.wh.y"}},
     ROOT "/.wh file 644 0:0 size=0\n/x.wh.y file 644 0:0 size=0\n"},
    {"parents that the tar does not list, and lists late",
     {{.mode = FILE644, .path = "a/b/c"},
      {.mode = S_IFDIR | 0700, .path = "a/b/", .uid = 5, .mtime = {9, 0}}},
     ROOT_AND_SUBDIR "/a dir 755 0:0 x3 implicit\n/a/b dir 700 5:0 @9.0 x2\n"
                     "/a/b/c file 644 0:0 size=0\n"},
    {"the last entry of a name counts",
     {{.mode = FILE644, .path = "a", .data = "1"},
      {.mode = S_IFREG | 0600, .path = "a", .data = "22"},
      {.mode = FILE644, .path = "b"},
      {.mode = LINK, .path = "b", .target = "a"}},
     ROOT "/a file 600 0:0 size=2 data=22\n/b link 777 0:0 -> a\n"},
    {"a directory over a directory keeps what is in it",
     {{.mode = DIR755, .path = "d"},
      {.mode = FILE644, .path = "d/f"},
      {.mode = S_IFDIR | 0700, .path = "d"}},
     ROOT_AND_SUBDIR "/d dir 700 0:0 x2\n/d/f file 644 0:0 size=0\n"},
    {"a file over a directory takes what is in it along",
     {{.mode = FILE644, .path = "d/e/f"}, {.mode = FILE644, .path = "d", .data = "x"}},
     ROOT "/d file 644 0:0 size=1 data=x\n"},
    {"and a directory over that has nothing of the first",
     {{.mode = FILE644, .path = "d/f"},
      {.mode = FILE644, .path = "d"},
      {.mode = FILE644, .path = "d/g"}},
     ROOT_AND_SUBDIR "/d dir 755 0:0 x2 implicit\n/d/g file 644 0:0 size=0\n"},
    {"a symbolic link on the way is replaced, not followed",
     {{.mode = LINK, .path = "l", .target = "/etc"},
      {.mode = FILE644, .path = "l/passwd", .data = "x"}},
     ROOT_AND_SUBDIR "/l dir 755 0:0 x2 implicit\n/l/passwd file 644 0:0 size=1 data=x\n"},
    {"absolute names, double slashes and single dots",
     {{.mode = FILE644, .path = "/a"},
      {.mode = FILE644, .path = "//b//./c"},
      {.mode = DIR755, .path = "./d/./"},
      {.path = "e", .target = "//b/.//c"}},
     "/ dir 755 0:0 x4 implicit\n/a file 644 0:0 size=0\n/b dir 755 0:0 x2 implicit\n"
     "/b/c file 644 0:0 x2 size=0 names e c\n/d dir 755 0:0 x2\n"
     "/e file 644 0:0 x2 size=0 names e c\n"},
    {"sparse files (pax)",
     {{.mode = FILE644,
       .path = "s",
       .data = "abcd\0\0\0\0efgh\0\0\0\0",
       .len = 16,
       .runs = (struct tar_run[]){{0, 4}, {8, 4}, {0}}},
      {.mode = FILE644,
       .path = "t",
       .data = "\0\0\0\0\0\0xy",
       .len = 8,
       .runs = (struct tar_run[]){{6, 2}, {0}}}},
     ROOT "/s file 644 0:0 size=16 data=abcd<4>efgh<4>\n/t file 644 0:0 size=8 data=<6>xy\n"},
};

static size_t count_entries(const struct tar_entry *e, size_t max)
{
    size_t n = 0;
    while (n < max && e[n].path)
        n++;
    return n;
}

static void test_tars(void **state)
{
    for (size_t i = 0; i < sizeof(tar_cases) / sizeof(*tar_cases); i++) {
        const struct tar_case *c = &tar_cases[i];
        struct err err = {0};
        auto_buf tar = {0};
        if (tar_make(c->e, count_entries(c->e, 8), &tar, &err) < 0)
            fail_msg("%s: %s", c->name, err.message);
        expect_dump(*state, c->name, &tar, c->want);
    }
}

static void test_empty_file(void **state)
{
    struct buf tar = {.data = (char *)"", .len = 0};
    expect_dump(*state, "a file of no bytes", &tar, ROOT);
}

/* Sockets have no type in a tar; a name of 100 bytes fills the old header's field. */
static void test_old_header(void **state)
{
    static const char name[] = "0123456789012345678901234567890123456789012345678901234567890123456"
                               "789012345678901234567890123456789";
    auto_buf tar = {0}, want = {0};
    tar_header(&tar, name, '0', 3, NULL);
    tar_data(&tar, "abc", 3);
    tar_header(&tar, "contiguous", '7', 1, NULL);
    tar_data(&tar, "x", 1);
    tar_header(&tar, "trailing/", '0', 0, NULL); /* before POSIX that was a directory */
    buf_printf(&want, ROOT_AND_SUBDIR "/%s file 644 0:0 size=3 data=abc\n", name);
    buf_add_str(&want, "/contiguous file 644 0:0 size=1 data=x\n/trailing dir 644 0:0 x2\n");
    expect_dump(*state, "old headers", &tar, want.data);
}

/* GNU's old format: type S, the first four runs in the header, more in a block behind it. */
static void test_gnu_sparse(void **state)
{
    auto_buf tar = {0};
    static const struct {
        unsigned at, len;
    } runs[] = {{0, 512}, {2048, 512}, {4096, 512}, {8192, 512}, {16384, 3}};
    tar_header(&tar, "s", 'S', 4 * 512 + 3, NULL);
    char *h = tar.data;
    memcpy(h + 257, "ustar  ", 8);
    for (int i = 0; i < 4; i++) {
        snprintf(h + 386 + 24 * i, 12, "%011o", runs[i].at);
        snprintf(h + 398 + 24 * i, 12, "%011o", runs[i].len);
    }
    h[482] = 1;
    snprintf(h + 483, 12, "%011o", 20000);
    memset(h + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    char more[512] = {0};
    snprintf(more, 12, "%011o", runs[4].at);
    snprintf(more + 12, 12, "%011o", runs[4].len);
    buf_add(&tar, more, sizeof(more));
    for (int i = 0; i < 4; i++) {
        char block[512];
        memset(block, 'a' + i, sizeof(block));
        buf_add(&tar, block, sizeof(block));
    }
    tar_data(&tar, "end", 3);
    struct err err = {0};
    struct layer l;
    struct scratch *s = *state;
    assert_int_equal(tar_save(s->fd, "tar", tar.data, tar.len), 0);
    assert_int_equal(tar_index(s->fd, "tar", "index", &err), 0);
    assert_int_equal(open_layer(s, &l, &err), 0);
    const struct index_entry *e = layer_find(&l, 0, "s", 1);
    assert_non_null(e);
    assert_int_equal(l.inodes[e->inode].size, 20000);
    assert_int_equal(l.inodes[e->inode].count, 5);
    char data[20000], want[20000] = {0};
    for (int i = 0; i < 4; i++)
        memset(want + runs[i].at, 'a' + i, 512);
    memcpy(want + 16384, "end", 3);
    assert_int_equal(layer_read(&l, e->inode, data, sizeof(data), 0), 20000);
    assert_memory_equal(data, want, sizeof(want));
    for (size_t at = 1; at < 20000; at += 611) { /* from and to anywhere */
        size_t len = (at * 7) % 3000, left = 20000 - at;
        assert_int_equal(layer_read(&l, e->inode, data, len, at), len < left ? len : left);
        assert_memory_equal(data, want + at, len < left ? len : left);
    }
    assert_int_equal(layer_read(&l, e->inode, data, 1, 20000), 0);
    assert_int_equal(layer_read(&l, e->inode, data, 1, UINT64_MAX), 0);
    layer_close(&l);
}

/* --- hostile tars ------------------------------------------------------------------------- */

static const struct bad_case {
    const char *name;
    struct tar_entry e[4];
    int code;
    const char *message; /* part of it */
} bad_cases[] = {
    {"..", {{.mode = FILE644, .path = "a/../../b"}}, -EINVAL, "\"..\""},
    {".. alone", {{.mode = DIR755, .path = ".."}}, -EINVAL, "\"..\""},
    {".. behind the root", {{.mode = FILE644, .path = "/../etc/passwd"}}, -EINVAL, "\"..\""},
    {".. at the end", {{.mode = DIR755, .path = "a/.."}}, -EINVAL, "\"..\""},
    {"an overlong name", {{.mode = FILE644, .path = N255 "n"}}, -ENAMETOOLONG, "255 bytes"},
    {"an overlong whiteout", {{.mode = FILE644, .path = ".wh." N255}}, -ENAMETOOLONG, "255"},
    {"the root as a file", {{.mode = FILE644, .path = "."}}, -EINVAL, "root"},
    {"the root as a link", {{.mode = LINK, .path = "/", .target = "/etc"}}, -EINVAL, "root"},
    {"a whiteout of the parent", {{.mode = FILE644, .path = "a/.wh..."}}, -EINVAL, "nothing"},
    {"a whiteout of the directory", {{.mode = FILE644, .path = "a/.wh.."}}, -EINVAL, "nothing"},
    {"a whiteout of nothing", {{.mode = FILE644, .path = "a/.wh."}}, -EINVAL, "nothing"},
    {"a hard link to what is not there", {{.path = "h", .target = "x"}}, -EINVAL, "not there"},
    {"a hard link to what comes later",
     {{.path = "h", .target = "x"}, {.mode = FILE644, .path = "x"}},
     -EINVAL,
     "not there"},
    {"a hard link out of the layer",
     {{.mode = FILE644, .path = "a"}, {.path = "h", .target = "../a"}},
     -EINVAL,
     "\"..\""},
    {"a hard link to an absolute name of the host",
     {{.path = "h", .target = "/etc/passwd"}},
     -EINVAL,
     "not there"},
    {"a hard link through a symbolic link",
     {{.mode = FILE644, .path = "d/f"},
      {.mode = LINK, .path = "l", .target = "d"},
      {.path = "h", .target = "l/f"}},
     -EINVAL,
     "not there"},
    {"a hard link to a directory",
     {{.mode = DIR755, .path = "d"}, {.path = "h", .target = "d"}},
     -EINVAL,
     "directory"},
    {"a hard link to a directory nobody listed",
     {{.mode = FILE644, .path = "d/f"}, {.path = "h", .target = "d"}},
     -EINVAL,
     "directory"},
    {"a hard link to the root",
     {{.mode = DIR755, .path = "./"}, {.path = "h", .target = "./"}},
     -EINVAL,
     "not there"},
    {"a hard link to a whiteout",
     {{.mode = FILE644, .path = ".wh.x"}, {.path = "h", .target = "x"}},
     -EINVAL,
     "not there"},
    {"a hard link with the name of a whiteout",
     {{.mode = FILE644, .path = "a"}, {.path = ".wh.b", .target = "a"}},
     -EINVAL,
     ".wh.b"},
    {"a hard link in the place of the root",
     {{.mode = FILE644, .path = "a"}, {.path = "./", .target = "a"}},
     -EINVAL,
     "name"},
    {"an owner beyond 32 bits minus one",
     {{.mode = FILE644, .path = "a", .uid = UINT32_MAX}},
     -EINVAL,
     "owner"},
};

static void test_bad_tars(void **state)
{
    for (size_t i = 0; i < sizeof(bad_cases) / sizeof(*bad_cases); i++) {
        const struct bad_case *c = &bad_cases[i];
        struct err err = {0};
        auto_buf tar = {0}, got = {0};
        if (tar_make(c->e, count_entries(c->e, 4), &tar, &err) < 0)
            fail_msg("%s: %s", c->name, err.message);
        int r = dump_tar(*state, &tar, &got, &err);
        if (r != c->code || !strstr(err.message, c->message))
            fail_msg("%s: %d \"%s\" %s", c->name, r, err.message, buf_str(&got));
    }
}

static void expect_failure(const struct scratch *s, const char *name, const struct buf *tar)
{
    struct err err = {0};
    auto_buf got = {0};
    if (dump_tar(s, tar, &got, &err) == 0)
        fail_msg("%s is accepted as\n%s", name, buf_str(&got));
    assert_true(err.code < 0 && *err.message);
}

static void test_bad_headers(void **state)
{
    auto_buf sum = {0}, size = {0}, type = {0}, no_target = {0}, text = {0}, deep = {0}, path = {0};
    tar_header(&sum, "a", '0', 0, NULL);
    sum.data[0] = 'b';
    expect_failure(*state, "a wrong checksum", &sum);
    tar_header(&size, "a", '0', 077777777777, NULL);
    tar_data(&size, "x", 1);
    expect_failure(*state, "a size beyond the tar", &size);
    tar_header(&no_target, "a", '2', 0, NULL);
    expect_failure(*state, "a symbolic link without a target", &no_target);
    tar_data(&text, "this is no tar", 14);
    expect_failure(*state, "text", &text);
    for (int i = 0; i < 3000; i++)
        buf_add_str(&path, "a/");
    struct tar_entry e = {.mode = FILE644, .path = buf_str(&path)};
    assert_int_equal(tar_make(&e, 1, &deep, NULL), 0);
    expect_failure(*state, "a path of 3000 directories", &deep);
}

/* A negative size in the base-256 form must not become a huge positive one. */
static void test_negative_size(void **state)
{
    auto_buf tar = {0};
    tar_header(&tar, "a", '0', 0, NULL);
    memset(tar.data + 124, 0xff, 12);
    memset(tar.data + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)tar.data[i];
    snprintf(tar.data + 148, 8, "%06o", sum);
    tar_data(&tar, "x", 1);
    expect_failure(*state, "a negative size", &tar);
}

static const struct tar_entry mixed[] = {
    {.mode = S_IFDIR | 01777, .path = "d/", .mtime = {100, 5}},
    {.mode = FILE644, .path = "d/f", .data = "hello", .uid = 5},
    {.path = "d/g", .target = "d/f"},
    {.mode = FILE644,
     .path = "d/sparse",
     .data = "abcd\0\0\0\0efgh\0\0\0\0",
     .len = 16,
     .runs = (struct tar_run[]){{0, 4}, {8, 4}, {0}}},
    {.mode = LINK, .path = "l", .target = "d/f"},
    {.mode = S_IFCHR | 0620, .path = "c", .major = 5, .minor = 1},
    {.mode = FILE644, .path = ".wh.gone"},
    {.mode = FILE644, .path = "o/.wh..wh..opq"},
    {.mode = FILE644,
     .path = "o/p/x",
     .xattrs = (struct tar_xattr[]){{"user.a", "value"}, {"user.b", ""}, {0}}},
};

#define N_MIXED (sizeof(mixed) / sizeof(*mixed))

/* Cut anywhere: an error, or an index that can be read of what is whole. */
static void test_truncated(void **state)
{
    struct scratch *s = *state;
    auto_buf tar = {0};
    size_t refused = 0;
    assert_int_equal(tar_make(mixed, N_MIXED, &tar, NULL), 0);
    for (size_t len = 1; len < tar.len; len += 128) {
        struct err err = {0};
        auto_buf got = {0};
        struct buf cut = {.data = tar.data, .len = len};
        int r = dump_tar(s, &cut, &got, &err);
        refused += r < 0;
        if (r == 0 && len % 512 && len < tar.len - 1024)
            fail_msg("%zu bytes are accepted", len);
    }
    assert_true(refused > 10);
}

/* --- damaged indexes ---------------------------------------------------------------------- */

static void make_mixed(struct scratch *s, struct buf *ret_index)
{
    struct err err = {0};
    auto_buf tar = {0};
    assert_int_equal(tar_make(mixed, N_MIXED, &tar, &err), 0);
    assert_int_equal(tar_save(s->fd, "tar", tar.data, tar.len), 0);
    assert_int_equal(tar_index(s->fd, "tar", "index", &err), 0);
    assert_int_equal(file_read_at(s->fd, "index", 1 << 20, ret_index, &err), 0);
}

/* Opens these bytes as the index and reads all of it if that is allowed. */
static int try_index(struct scratch *s, const void *data, size_t len)
{
    struct layer l;
    struct err err = {0};
    auto_buf got = {0};
    assert_int_equal(tar_save(s->fd, "index", data, len), 0);
    int r = open_layer(s, &l, &err);
    if (r < 0) {
        assert_true(*err.message);
        return r;
    }
    index_dump(&l, &got);
    layer_close(&l);
    return 0;
}

static void test_flipped(void **state)
{
    struct scratch *s = *state;
    auto_buf index = {0};
    make_mixed(s, &index);
    assert_int_equal(try_index(s, index.data, index.len), 0);
    for (size_t i = 0; i < index.len; i++) {
        index.data[i] ^= 1 << (i % 8);
        if (try_index(s, index.data, index.len) != -ESTALE)
            fail_msg("damage of byte %zu is not noticed", i);
        index.data[i] ^= 1 << (i % 8);
    }
}

static void test_cut_index(void **state)
{
    struct scratch *s = *state;
    auto_buf index = {0};
    make_mixed(s, &index);
    for (size_t len = 0; len < index.len; len += 1 + len / 16)
        assert_int_equal(try_index(s, index.data, len), -ESTALE);
    buf_add(&index, "\0\0\0\0\0\0\0", 8);
    assert_int_equal(try_index(s, index.data, index.len), -ESTALE);
}

static void seal(struct buf *index)
{
    struct index_header *h = (void *)index->data;
    h->checksum = index_checksum(h, index->len);
}

static size_t spoil(struct scratch *s, struct buf *index, size_t at, uint32_t value)
{
    uint32_t before;
    memcpy(&before, index->data + at, sizeof(before));
    memcpy(index->data + at, &value, sizeof(value));
    seal(index);
    int r = try_index(s, index->data, index->len);
    memcpy(index->data + at, &before, sizeof(before));
    assert_true(r == 0 || r == -ESTALE);
    return r == 0;
}

/* Every number of the file replaced, with a right checksum: refused, or safe to read. */
static void test_spoiled(void **state)
{
    struct scratch *s = *state;
    auto_buf index = {0};
    make_mixed(s, &index);
    size_t accepted = 0, tried = 0;
    for (size_t at = 0; at + 4 <= index.len; at += 4) {
        uint32_t v;
        memcpy(&v, index.data + at, sizeof(v));
        const uint32_t values[] = {0,          1,      2,      v + 1,      v - 1,
                                   v + 8,      v ^ 64, ~v,     0x7fffffff, 0x80000000,
                                   UINT32_MAX, v << 1, v >> 1, 040755,     0100644};
        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++, tried++)
            accepted += spoil(s, &index, at, values[i]);
    }
    seal(&index);
    assert_int_equal(try_index(s, index.data, index.len), 0);
    assert_true(accepted > 0 && accepted < tried);
}

static struct index_header *header(struct buf *index)
{
    return (void *)index->data;
}

static struct index_inode *inode(struct buf *index, uint32_t n)
{
    return (struct index_inode *)(index->data + header(index)->inodes.offset) + n;
}

static struct index_entry *entry(struct buf *index, uint32_t n)
{
    return (struct index_entry *)(index->data + header(index)->entries.offset) + n;
}

static struct index_extent *extent(struct buf *index, uint32_t n)
{
    return (struct index_extent *)(index->data + header(index)->extents.offset) + n;
}

static void root_in_itself(struct buf *b)
{
    entry(b, 0)->inode = 0;
}

static void two_parents(struct buf *b)
{
    /* "d" of the root also under the name "gone" */
    for (uint32_t i = 0; i < header(b)->entries.count; i++)
        if (entry(b, i)->inode == INDEX_NO_INODE)
            entry(b, i)->inode = 1;
}

static void own_child(struct buf *b)
{
    const struct index_inode *d = inode(b, 1);
    entry(b, d->first)->inode = 1;
}

static void overlapping_dirs(struct buf *b)
{
    inode(b, 1)->first = inode(b, 0)->first;
}

static void unsorted(struct buf *b)
{
    struct index_entry *e = entry(b, inode(b, 0)->first), x = e[0];
    e[0] = e[1];
    e[1] = x;
}

static void same_names(struct buf *b)
{
    struct index_entry *e = entry(b, inode(b, 0)->first);
    e[1].name = e[0].name;
    e[1].len = e[0].len;
}

static void name_with_slash(struct buf *b)
{
    b->data[header(b)->heap.offset + entry(b, 0)->name] = '/';
}

static void name_of_dot(struct buf *b)
{
    b->data[header(b)->heap.offset + entry(b, 0)->name] = '.';
    entry(b, 0)->len = 1;
}

static void name_of_nothing(struct buf *b)
{
    entry(b, 0)->len = 0;
}

static void extent_beyond_tar(struct buf *b)
{
    extent(b, 0)->tar_offset = header(b)->tar_size - 1;
}

static void extent_wraps(struct buf *b)
{
    extent(b, 0)->tar_offset = UINT64_MAX - 1;
}

static void extent_beyond_file(struct buf *b)
{
    extent(b, 0)->len = 1 << 20;
}

static void extents_overlap(struct buf *b)
{
    for (uint32_t i = 1; i < header(b)->extents.count; i++)
        extent(b, i)->start = 0;
}

static void root_a_file(struct buf *b)
{
    inode(b, 0)->mode = FILE644;
    inode(b, 0)->first = inode(b, 0)->count = 0;
}

static void no_inodes(struct buf *b)
{
    header(b)->inodes.count = 0;
}

static void table_wraps(struct buf *b)
{
    header(b)->entries.count = UINT64_MAX / sizeof(struct index_entry) + 2;
}

static void table_crooked(struct buf *b)
{
    header(b)->xattrs.offset += 4;
}

static void table_in_header(struct buf *b)
{
    header(b)->heap.offset = 0;
}

static void many_names(struct buf *b)
{
    for (uint32_t i = 0; i < header(b)->inodes.count; i++)
        if (S_ISREG(inode(b, i)->mode) && inode(b, i)->nlink > 1)
            inode(b, i)->nlink = 1000;
}

static void target_beyond_heap(struct buf *b)
{
    for (uint32_t i = 0; i < header(b)->inodes.count; i++)
        if (S_ISLNK(inode(b, i)->mode))
            inode(b, i)->first = (uint32_t)header(b)->heap.count - 1;
}

static void huge_file(struct buf *b)
{
    for (uint32_t i = 0; i < header(b)->inodes.count; i++)
        if (S_ISREG(inode(b, i)->mode))
            inode(b, i)->size = UINT64_MAX;
}

static void other_tar(struct buf *b)
{
    header(b)->tar_size += 512;
}

static void old_version(struct buf *b)
{
    header(b)->version--;
}

static void new_version(struct buf *b)
{
    header(b)->version++;
}

static void other_byte_order(struct buf *b)
{
    header(b)->magic = __builtin_bswap64(header(b)->magic);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        void (*spoil)(struct buf *index);
    } cases[] = {
        {"the root in itself", root_in_itself},
        {"a directory with two parents", two_parents},
        {"a directory in itself", own_child},
        {"directories that share entries", overlapping_dirs},
        {"unsorted names", unsorted},
        {"a name twice", same_names},
        {"a slash in a name", name_with_slash},
        {"the name .", name_of_dot},
        {"an empty name", name_of_nothing},
        {"data beyond the tar", extent_beyond_tar},
        {"data that wraps around", extent_wraps},
        {"data beyond the file", extent_beyond_file},
        {"overlapping data", extents_overlap},
        {"a root that is a file", root_a_file},
        {"no inode", no_inodes},
        {"a table that wraps around", table_wraps},
        {"a table off its alignment", table_crooked},
        {"a table in the header", table_in_header},
        {"a file with names that are not there", many_names},
        {"a link's target beyond the heap", target_beyond_heap},
        {"a file of 2^64-1 bytes", huge_file},
        {"another tar", other_tar},
        {"an old version", old_version},
        {"a new version", new_version},
        {"the other byte order", other_byte_order},
    };
    struct scratch *s = *state;
    auto_buf index = {0};
    make_mixed(s, &index);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf b = {0};
        buf_add(&b, index.data, index.len);
        cases[i].spoil(&b);
        assert_memory_not_equal(b.data, index.data, b.len);
        seal(&b);
        if (try_index(s, b.data, b.len) != -ESTALE)
            fail_msg("%s is accepted", cases[i].name);
    }
}

static void test_other_files(void **state)
{
    struct scratch *s = *state;
    struct layer l;
    struct err err = {0};
    auto_buf index = {0};
    make_mixed(s, &index);
    int fd = openat(s->fd, "tar", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "", 1), 1);
    close(fd);
    assert_int_equal(open_layer(s, &l, &err), -ESTALE);
    assert_int_equal(unlinkat(s->fd, "index", 0), 0);
    assert_int_equal(open_layer(s, &l, &err), -ENOENT);
    assert_int_equal(mkdirat(s->fd, "index", 0700), 0);
    assert_int_equal(open_layer(s, &l, &err), -EINVAL);
    assert_int_equal(unlinkat(s->fd, "tar", 0), 0);
    assert_int_equal(mkfifoat(s->fd, "tar", 0600), 0);
    assert_int_equal(open_layer(s, &l, &err), -EINVAL); /* and does not wait for a writer */
    assert_int_equal(unlinkat(s->fd, "tar", 0), 0);
    assert_int_equal(open_layer(s, &l, &err), -ENOENT);
}

/* A tar that lost bytes after its index was made is refused; a read never goes beyond its end. */
static void test_shrunk_tar(void **state)
{
    struct scratch *s = *state;
    struct layer l;
    struct err err = {0};
    auto_buf index = {0};
    char data[8];
    make_mixed(s, &index);
    assert_int_equal(open_layer(s, &l, &err), 0);
    const struct index_entry *d = layer_find(&l, 0, "d", 1);
    const struct index_entry *f = layer_find(&l, d->inode, "f", 1);
    assert_int_equal(layer_read(&l, f->inode, data, sizeof(data), 0), 5);
    assert_int_equal(truncate(({
                                  static char path[100];
                                  snprintf(path, sizeof(path), "%s/tar", s->path);
                                  path;
                              }),
                              512),
                     0);
    assert_int_equal(layer_read(&l, f->inode, data, sizeof(data), 0), -EIO);
    layer_close(&l);
    assert_int_equal(open_layer(s, &l, &err), -ESTALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_tars),          scratch_test(test_empty_file),
        scratch_test(test_old_header),    scratch_test(test_gnu_sparse),
        scratch_test(test_bad_tars),      scratch_test(test_bad_headers),
        scratch_test(test_negative_size), scratch_test(test_truncated),
        scratch_test(test_flipped),       scratch_test(test_cut_index),
        scratch_test(test_spoiled),       scratch_test(test_refused),
        scratch_test(test_other_files),   scratch_test(test_shrunk_tar),
    };
    return cmocka_run_group_tests_name("overlay-fuse/index", tests, NULL, NULL);
}
