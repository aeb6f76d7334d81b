/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of a layer by name. */
#include "overlay-fuse/index_names.h"

#include "base/alloc.h"
#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (4 << 20) /* of a file; nobody has that many users */
#define BLOCK    (256 * 1024)

struct source {
    int fd;
    off_t at;
    char *block;
};

static void table_done(struct index_name_table *t)
{
    buf_done(&t->text);
    free(t->v);
    *t = (struct index_name_table){0};
}

void index_names_done(struct index_names *n)
{
    table_done(&n->users);
    table_done(&n->groups);
}

/* By name; of several the one that comes first in the file, as for everybody who reads it. */
static int by_name(const void *a, const void *b)
{
    const struct index_name *x = a, *y = b;
    int r = strcmp(x->name, y->name);
    return r ? r : (x->name > y->name) - (x->name < y->name);
}

/* "NAME:PASSWORD:ID:...", or "NAME:PASSWORD:ID" and the end. */
static bool parse_line(char *line, struct index_name *ret)
{
    char *password = strchr(line, ':'), *id = password ? strchr(password + 1, ':') : NULL, *end;
    if (!id || password == line || id[1] < '0' || id[1] > '9')
        return false;
    *password = 0;
    errno = 0;
    unsigned long long value = strtoull(id + 1, &end, 10);
    if (errno || value >= UINT32_MAX || (*end && *end != ':'))
        return false;
    *ret = (struct index_name){line, (uint32_t)value};
    return true;
}

static void fill_table(struct index_name_table *t)
{
    struct index_name one;
    char *rest = t->text.data;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        if (parse_line(line, &one)) {
            grow_array(t->v, t->n, t->cap);
            t->v[t->n++] = one;
        }
    if (t->n)
        qsort(t->v, t->n, sizeof(*t->v), by_name);
}

static void read_file(struct archive *a, struct archive_entry *e, struct buf *ret)
{
    int64_t size = archive_entry_size(e);
    buf_truncate(ret, 0);
    if (size < 0 || size > FILE_MAX)
        return;
    buf_reserve(ret, (size_t)size);
    la_ssize_t n = archive_read_data(a, ret->data, (size_t)size);
    ret->len = n < 0 ? 0 : (size_t)n;
    ret->data[ret->len] = 0;
}

static const char *plain(const char *path)
{
    while (*path == '/' || (path[0] == '.' && path[1] == '/'))
        path++;
    return path;
}

/* The caller's own place in the file stays. */
static la_ssize_t read_source(struct archive *a, void *arg, const void **ret)
{
    struct source *s = arg;
    ssize_t n = pread_full(s->fd, s->block, BLOCK, s->at);
    if (n > 0)
        s->at += n;
    *ret = s->block;
    return n < 0 ? ARCHIVE_FATAL : n;
}

static la_int64_t skip_source(struct archive *a, void *arg, la_int64_t n)
{
    struct source *s = arg;
    struct stat st;
    if (n <= 0 || fstat(s->fd, &st) < 0 || n > st.st_size - s->at)
        return 0;
    s->at += n;
    return n;
}

/* Later entries of a name replace earlier ones. */
static void read_tar(struct index_names *n, struct archive *a, struct source *s)
{
    struct archive_entry *e;
    archive_read_support_format_tar(a);
    if (archive_read_open2(a, s, NULL, read_source, skip_source, NULL) != ARCHIVE_OK)
        return;
    for (;;) {
        int got = archive_read_next_header(a, &e);
        if (got == ARCHIVE_RETRY)
            continue;
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
            return;
        const char *path = archive_entry_pathname(e);
        if (!path || archive_entry_filetype(e) != S_IFREG || archive_entry_hardlink(e))
            continue;
        if (strcmp(plain(path), "etc/passwd") == 0)
            read_file(a, e, &n->users.text);
        else if (strcmp(plain(path), "etc/group") == 0)
            read_file(a, e, &n->groups.text);
    }
}

static void load(struct index_names *n)
{
    struct archive *a = archive_read_new();
    n->loaded = true;
    if (!a)
        return;
    auto_free char *block = xcalloc(1, BLOCK);
    struct source s = {.fd = n->fd, .block = block};
    read_tar(n, a, &s);
    archive_read_free(a);
    fill_table(&n->users);
    fill_table(&n->groups);
}

bool index_names_find(struct index_names *n, bool group, const char *name, uint32_t *ret)
{
    if (strcmp(name, "root") == 0) { /* everywhere */
        *ret = 0;
        return true;
    }
    if (n->fd < 0) {
        n->out_of_reach = true;
        return false;
    }
    if (!n->loaded)
        load(n);
    const struct index_name_table *t = group ? &n->groups : &n->users;
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(t->v[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == t->n || strcmp(t->v[low].name, name) != 0)
        return false;
    *ret = t->v[low].id;
    return true;
}
