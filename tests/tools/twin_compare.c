/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two directories as a program sees them. */
#include "base/buf.h"
#include "base/file.h"
#include "base/strv.h"
#include "tests/tools/twin.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Times that were set lie before this; others are those of two moments. */
#define SET_BEFORE 1000000000

static void same(const struct twin *t, const char *path, const char *what, long long a, long long b)
{
    if (a != b)
        twin_fail(t, "%s: %s is %lld, on the other side %lld", path, what, a, b);
}

static void compare_stat(const struct twin *t, const char *path, const struct stat *a,
                         const struct stat *b)
{
    same(t, path, "mode (decimal)", a->st_mode, b->st_mode);
    same(t, path, "uid", a->st_uid, b->st_uid);
    same(t, path, "gid", a->st_gid, b->st_gid);
    same(t, path, "nlink", a->st_nlink, b->st_nlink);
    if (!S_ISDIR(a->st_mode))
        same(t, path, "size", a->st_size, b->st_size);
    if (a->st_mtim.tv_sec < SET_BEFORE || b->st_mtim.tv_sec < SET_BEFORE) {
        same(t, path, "mtime", a->st_mtim.tv_sec, b->st_mtim.tv_sec);
        same(t, path, "mtime's nanoseconds", a->st_mtim.tv_nsec, b->st_mtim.tv_nsec);
    }
}

static void compare_data(const struct twin *t, const char *path, int a, int b)
{
    static char x[65536], y[65536];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread_full(a, x, sizeof(x), at), m = pread_full(b, y, sizeof(y), at);
        same(t, path, "bytes read", n, m);
        if (n <= 0)
            return;
        for (ssize_t i = 0; memcmp(x, y, (size_t)n) != 0 && i < n; i++)
            if (x[i] != y[i])
                twin_fail(t, "%s: byte %lld is %d, on the other side %d", path, (long long)(at + i),
                          x[i], y[i]);
        at += n;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_attrs(const struct twin *t, int dir, const char *name, struct strv *ret)
{
    char path[400], list[4096], value[256];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    ssize_t n = llistxattr(path, list, sizeof(list));
    if (n < 0)
        twin_fail(t, "list the attributes of %s: %s", name, strerror(errno));
    for (char *s = list; s < list + n; s += strlen(s) + 1) {
        ssize_t len = lgetxattr(path, s, value, sizeof(value));
        if (strncmp(s, "security.", 9) == 0)
            continue;
        auto_buf text = {0};
        buf_printf(&text, "%s=", s);
        for (ssize_t i = 0; i < len; i++)
            buf_printf(&text, "%02x", (unsigned char)value[i]);
        strv_add_owned(ret, buf_take(&text));
    }
    if (ret->len)
        qsort(ret->v, ret->len, sizeof(*ret->v), by_name);
}

static void compare_attrs(const struct twin *t, const char *path, const int dir[2],
                          const char *name)
{
    auto_strv a = {0}, b = {0};
    read_attrs(t, dir[0], name, &a);
    read_attrs(t, dir[1], name, &b);
    auto_free char *x = strv_join(&a, " "), *y = strv_join(&b, " ");
    if (strcmp(x, y) != 0)
        twin_fail(t, "%s: attributes are \"%s\", on the other side \"%s\"", path, x, y);
}

static void compare_link(const struct twin *t, const char *path, const int dir[2], const char *name)
{
    auto_free char *a = NULL, *b = NULL;
    if (read_link_at(dir[0], name, &a, NULL) < 0 || read_link_at(dir[1], name, &b, NULL) < 0 ||
        strcmp(a, b) != 0)
        twin_fail(t, "%s: link is %s, on the other side %s", path, a, b);
}

/* What a listing says of an entry is what stat() says. */
static void check_entries(const struct twin *t, const char *path, int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_closedir DIR *d = fdopendir(fd);
    const struct dirent *e;
    struct stat st;
    if (!d)
        twin_fail(t, "open %s again: %s", path, strerror(errno));
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            twin_fail(t, "%s/%s is listed: %s", path, e->d_name, strerror(errno));
        /* A link that gets an owner gets a new number, and the kernel keeps its listing. */
        if (!S_ISLNK(st.st_mode))
            same(t, path, "d_ino", (long long)e->d_ino, (long long)st.st_ino);
        if (e->d_type != DT_UNKNOWN)
            same(t, path, "d_type", e->d_type, (st.st_mode & S_IFMT) >> 12);
    }
}

static void compare_dirs(const struct twin *t, struct buf *path, const int dir[2]);

static void compare_name(const struct twin *t, struct buf *path, const int dir[2], const char *name)
{
    struct stat a, b;
    const char *p = path->data;
    if (fstatat(dir[0], name, &a, AT_SYMLINK_NOFOLLOW) < 0 ||
        fstatat(dir[1], name, &b, AT_SYMLINK_NOFOLLOW) < 0)
        twin_fail(t, "%s: %s", p, strerror(errno));
    compare_stat(t, p, &a, &b);
    compare_attrs(t, p, dir, name);
    if (S_ISLNK(a.st_mode))
        compare_link(t, p, dir, name);
    if (!S_ISREG(a.st_mode) && !S_ISDIR(a.st_mode))
        return;
    int how = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (S_ISDIR(a.st_mode) ? O_DIRECTORY : 0);
    auto_close int x = openat(dir[0], name, how), y = openat(dir[1], name, how);
    if (x < 0 || y < 0)
        twin_fail(t, "open %s: %s", p, strerror(errno));
    if (S_ISDIR(a.st_mode))
        compare_dirs(t, path, (int[]){x, y});
    else
        compare_data(t, p, x, y);
}

static void compare_dirs(const struct twin *t, struct buf *path, const int dir[2])
{
    auto_strv a = {0}, b = {0};
    if (list_dir_at(dir[0], ".", &a, NULL) < 0 || list_dir_at(dir[1], ".", &b, NULL) < 0)
        twin_fail(t, "list %s: %s", buf_str(path), strerror(errno));
    auto_free char *x = strv_join(&a, " "), *y = strv_join(&b, " ");
    if (strcmp(x, y) != 0)
        twin_fail(t, "%s has \"%s\", on the other side \"%s\"", buf_str(path), x, y);
    check_entries(t, buf_str(path), dir[0]);
    size_t len = path->len;
    strv_foreach (&a, name) {
        buf_printf(path, "/%s", name);
        compare_name(t, path, dir, name);
        buf_truncate(path, len);
    }
}

static void compare_open(const struct twin *t, int slot)
{
    struct stat a, b;
    char name[32];
    snprintf(name, sizeof(name), "open file %d", slot);
    int x = t->open[0][slot], y = t->open[1][slot];
    if (x < 0 || fstat(x, &a) < 0 || fstat(y, &b) < 0)
        return;
    compare_stat(t, name, &a, &b);
    if (S_ISREG(a.st_mode) && (fcntl(x, F_GETFL) & O_ACCMODE) != O_WRONLY)
        compare_data(t, name, x, y);
}

void twin_compare(struct twin *t)
{
    auto_buf path = {0};
    buf_add_str(&path, "");
    compare_dirs(t, &path, t->root);
    for (int i = 0; i < TWIN_OPEN; i++)
        compare_open(t, i);
}
