/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of a writable layer whose file system has none. */
#include "overlay-fuse/journal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define NEW_FILE JOURNAL_FILE ".new"

enum {
    CHUNK = 256 * 1024,        /* bytes read or written at a time; more than a record has */
    SLACK_AT_OPEN = 64 * 1024, /* see journal.slack */
    SLACK_MEANWHILE = 8 * 1024 * 1024
};

struct attr {
    struct attr *next;
    uint32_t value_len;
    uint16_t name_len;
    char bytes[]; /* the name with a NUL, the value */
};

static size_t record_size(size_t name_len, size_t value_len)
{
    return (sizeof(struct journal_record) + name_len + value_len + 7) & ~(size_t)7;
}

static size_t attr_size(const struct attr *a)
{
    return record_size(a->name_len, a->value_len);
}

/* --- in memory ---------------------------------------------------------------------------- */

static struct attr *find(const struct journal *j, uint64_t ino, const char *name, size_t len)
{
    struct attr *a = idmap_get(&j->by_ino, ino);
    while (a && (a->name_len != len || memcmp(a->bytes, name, len) != 0))
        a = a->next;
    return a;
}

static void drop(struct journal *j, uint64_t ino, const char *name, size_t len)
{
    struct attr *first = idmap_get(&j->by_ino, ino), *old = find(j, ino, name, len), **p = &first;
    if (!old)
        return;
    while (*p != old)
        p = &(*p)->next;
    *p = old->next;
    if (first)
        idmap_set(&j->by_ino, ino, first);
    else
        idmap_remove(&j->by_ino, ino);
    j->live -= attr_size(old);
    free(old);
}

static void put(struct journal *j, uint64_t ino, const char *name, size_t name_len,
                const void *value, size_t value_len)
{
    drop(j, ino, name, name_len);
    struct attr *a = xcalloc(1, sizeof(*a) + name_len + 1 + value_len);
    a->next = idmap_get(&j->by_ino, ino);
    a->name_len = (uint16_t)name_len;
    a->value_len = (uint32_t)value_len;
    memcpy(a->bytes, name, name_len);
    if (value_len)
        memcpy(a->bytes + name_len + 1, value, value_len);
    idmap_set(&j->by_ino, ino, a);
    j->live += attr_size(a);
}

static void drop_all(struct journal *j, uint64_t ino)
{
    for (struct attr *a = idmap_get(&j->by_ino, ino), *next; a; a = next) {
        next = a->next;
        j->live -= attr_size(a);
        free(a);
    }
    idmap_remove(&j->by_ino, ino);
}

static void forget(struct journal *j)
{
    for (size_t i = 0; i < j->by_ino.n_slots; i++)
        for (struct attr *a = j->by_ino.slots[i].key ? j->by_ino.slots[i].value : NULL, *next; a;
             a = next) {
            next = a->next;
            free(a);
        }
    idmap_done(&j->by_ino);
    j->live = 0;
}

/* --- records ------------------------------------------------------------------------------ */

/* Of a record but its first word. Against damage, not against an attacker; see index_checksum(). */
static uint64_t checksum(const struct journal_record *r, size_t size)
{
    const uint64_t *p = (const void *)r;
    uint64_t a = UINT64_C(0x9e3779b97f4a7c15) ^ size;
    for (size_t i = 1; i < size / 8; i++) {
        a = (a ^ p[i]) * UINT64_C(0xff51afd7ed558ccd);
        a ^= a >> 32;
    }
    return a;
}

static void add_record(struct buf *b, enum journal_kind kind, uint64_t ino, const char *name,
                       size_t name_len, const void *value, size_t value_len)
{
    struct journal_record r = {.ino = ino,
                               .value_len = (uint32_t)value_len,
                               .name_len = (uint16_t)name_len,
                               .kind = (uint16_t)kind};
    size_t at = b->len, size = record_size(name_len, value_len);
    buf_add(b, &r, sizeof(r));
    buf_add(b, name, name_len);
    buf_add(b, value, value_len);
    while (b->len < at + size)
        buf_add_char(b, 0);
    struct journal_record *placed = (void *)(b->data + at);
    placed->checksum = checksum(placed, size);
}

/* Takes over one record of at most `len` bytes: its size, or 0 if it is not whole. */
static size_t take_record(struct journal *j, const char *data, size_t len)
{
    const struct journal_record *r = (const void *)data;
    if (len < sizeof(*r) || r->name_len > XATTR_NAME_MAX || r->value_len > XATTR_SIZE_MAX)
        return 0;
    size_t size = record_size(r->name_len, r->value_len);
    if (len < size || r->checksum != checksum(r, size) || !r->ino)
        return 0;
    const char *name = data + sizeof(*r);
    if (r->kind == JOURNAL_SET)
        put(j, r->ino, name, r->name_len, name + r->name_len, r->value_len);
    else if (r->kind == JOURNAL_REMOVE)
        drop(j, r->ino, name, r->name_len);
    else if (r->kind == JOURNAL_CLEAR)
        drop_all(j, r->ino);
    else
        return 0;
    return size;
}

/* Reads what there is behind the end. */
static int load(struct journal *j)
{
    auto_buf b = {0};
    for (;;) {
        buf_reserve(&b, CHUNK);
        ssize_t n = pread_full(j->fd, b.data + b.len, CHUNK, (off_t)(j->end + b.len));
        if (n < 0)
            return (int)n;
        b.len += (size_t)n;
        size_t used = 0, size;
        while ((size = take_record(j, b.data + used, b.len - used)) > 0)
            used += size;
        j->end += used;
        buf_consume(&b, used);
        if (n < CHUNK || used == 0)
            return 0;
    }
}

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, data + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

/* --- writing anew ------------------------------------------------------------------------- */

static int flush(int fd, struct buf *b, uint64_t *end)
{
    int r = write_at(fd, b->data, b->len, *end);
    *end += b->len;
    buf_truncate(b, 0);
    return r;
}

/* The head and what is of use. */
static int write_live(const struct journal *j, int fd, uint64_t *ret_end)
{
    auto_buf b = {0};
    struct journal_head head = {JOURNAL_MAGIC, j->upper_ino};
    uint64_t end = 0;
    int r = 0;
    buf_add(&b, &head, sizeof(head));
    for (size_t i = 0; r == 0 && i < j->by_ino.n_slots; i++) {
        const struct idmap_slot *s = &j->by_ino.slots[i];
        for (const struct attr *a = s->key ? s->value : NULL; a; a = a->next)
            add_record(&b, JOURNAL_SET, s->key, a->bytes, a->name_len, a->bytes + a->name_len + 1,
                       a->value_len);
        if (b.len >= CHUNK)
            r = flush(fd, &b, &end);
    }
    if (r == 0)
        r = flush(fd, &b, &end);
    *ret_end = end;
    return r;
}

static int sync_dir(struct journal *j)
{
    if (j->dir_dirty && fsync(j->dir_fd) < 0)
        return -errno;
    j->dir_dirty = false;
    return 0;
}

static int write_anew(struct journal *j)
{
    uint64_t end;
    auto_close int fd =
        openat(j->dir_fd, NEW_FILE, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_live(j, fd, &end);
    if (r == 0 && (fdatasync(fd) < 0 || renameat(j->dir_fd, NEW_FILE, j->dir_fd, JOURNAL_FILE) < 0))
        r = -errno;
    if (r < 0) {
        unlinkat(j->dir_fd, NEW_FILE, 0);
        return r;
    }
    close_fd(&j->fd);
    j->fd = take_fd(&fd);
    j->end = end;
    j->dirty = j->cleared = false;
    j->dir_dirty = true;
    return sync_dir(j);
}

static bool is_mostly_garbage(const struct journal *j, uint64_t slack)
{
    return j->end - sizeof(struct journal_head) > 2 * j->live + slack;
}

static int append(struct journal *j, enum journal_kind kind, uint64_t ino, const char *name,
                  const void *value, size_t len)
{
    auto_buf b = {0};
    add_record(&b, kind, ino, name, strlen(name), value, len);
    int r = write_at(j->fd, b.data, b.len, j->end);
    if (r < 0) {
        (void)!ftruncate(j->fd, (off_t)j->end); /* the next record is written over it anyway */
        return r;
    }
    j->end += b.len;
    j->dirty = true;
    return 0;
}

/* After a change; that it cannot be done now is no reason to fail what was done. */
static void tidy(struct journal *j)
{
    if (is_mostly_garbage(j, j->slack) && write_anew(j) < 0)
        j->slack *= 2;
}

/* --- life --------------------------------------------------------------------------------- */

void journal_close(struct journal *j)
{
    forget(j);
    close_fd(&j->fd);
    close_fd(&j->dir_fd);
    free(j);
}
DEFINE_AUTO_PTR(journal, journal_close)

static int read_head(const struct journal *j, struct err *err)
{
    struct journal_head head;
    ssize_t n = pread_full(j->fd, &head, sizeof(head), 0);
    if (n < 0)
        return err_errno(err, (int)n, "read the attribute journal");
    if (n != sizeof(head) || head.magic != JOURNAL_MAGIC)
        return err_set(err, -EIO, "the attribute journal is damaged");
    if (head.upper_ino != j->upper_ino)
        return err_set(err, -ESTALE,
                       "the attribute journal belongs to another directory: on this file system a "
                       "writable layer cannot be copied file by file");
    return 0;
}

/* A file without anything is one that was asked for, or a reader's that comes too early. */
static int open_file(struct journal *j, struct stat *ret_st)
{
    close_fd(&j->fd);
    j->fd =
        openat(j->dir_fd, JOURNAL_FILE, (j->writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
    *ret_st = (struct stat){0};
    if (j->fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return fstat(j->fd, ret_st) < 0 ? -errno : 0;
}

static int load_file(struct journal *j, struct err *err)
{
    struct stat st;
    int r = open_file(j, &st);
    if (r < 0)
        return err_errno(err, r, "open the attribute journal");
    j->end = sizeof(struct journal_head);
    r = st.st_size ? read_head(j, err) : 0;
    if (r < 0)
        return r;
    if (st.st_size)
        r = load(j);
    if (r == 0 && j->writable && st.st_size > (off_t)j->end && ftruncate(j->fd, (off_t)j->end) < 0)
        r = -errno;
    if (r == 0 && j->writable && (!st.st_size || is_mostly_garbage(j, SLACK_AT_OPEN)))
        r = write_anew(j);
    return r < 0 ? err_errno(err, r, "read the attribute journal") : 0;
}

int journal_open(int work_fd, uint64_t upper_ino, bool writable, struct journal **ret,
                 struct err *err)
{
    auto_ptr(journal) struct journal *j = new0(struct journal);
    j->fd = -1;
    j->upper_ino = upper_ino;
    j->writable = writable;
    j->slack = SLACK_MEANWHILE;
    j->dir_fd = fcntl(work_fd, F_DUPFD_CLOEXEC, 0);
    if (j->dir_fd < 0)
        return err_errno(err, -errno, "open the attribute journal");
    int r = load_file(j, err);
    if (r == 0)
        *ret = take_ptr(j);
    return r;
}

/* A reader takes over what was written since, or all of it if the file was written anew. */
static int catch_up(struct journal *j)
{
    struct stat st;
    if (j->writable)
        return 0;
    if (j->fd >= 0 && fstat(j->fd, &st) < 0)
        return -errno;
    if (j->fd >= 0 && st.st_nlink > 0 && st.st_size > 0)
        return (uint64_t)st.st_size > j->end ? load(j) : 0;
    forget(j);
    return load_file(j, NULL);
}

/* --- the calls ---------------------------------------------------------------------------- */

ssize_t journal_get(struct journal *j, uint64_t ino, const char *name, void *value, size_t size)
{
    int r = catch_up(j);
    if (r < 0)
        return r;
    const struct attr *a = find(j, ino, name, strlen(name));
    if (!a)
        return -ENODATA;
    if (size && size < a->value_len)
        return -ERANGE;
    if (size)
        memcpy(value, a->bytes + a->name_len + 1, a->value_len);
    return (ssize_t)a->value_len;
}

static bool has_room(const struct journal *j, uint64_t ino, const struct attr *old, size_t more)
{
    for (const struct attr *a = idmap_get(&j->by_ino, ino); a; a = a->next)
        if (a != old)
            more += a->name_len + (size_t)a->value_len;
    return more <= JOURNAL_OBJECT_MAX;
}

int journal_set(struct journal *j, uint64_t ino, const char *name, const void *value, size_t len,
                int flags)
{
    size_t name_len = strlen(name);
    if (name_len == 0 || name_len > XATTR_NAME_MAX)
        return -ERANGE;
    if (len > XATTR_SIZE_MAX)
        return -E2BIG;
    const struct attr *old = find(j, ino, name, name_len);
    if (old && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!old && (flags & XATTR_REPLACE))
        return -ENODATA;
    if (old && old->value_len == len &&
        (len == 0 || memcmp(old->bytes + name_len + 1, value, len) == 0))
        return 0;
    if (!has_room(j, ino, old, name_len + len))
        return -ENOSPC;
    int r = append(j, JOURNAL_SET, ino, name, value, len);
    if (r < 0)
        return r;
    put(j, ino, name, name_len, value, len);
    tidy(j);
    return 0;
}

int journal_remove(struct journal *j, uint64_t ino, const char *name)
{
    if (!find(j, ino, name, strlen(name)))
        return -ENODATA;
    int r = append(j, JOURNAL_REMOVE, ino, name, NULL, 0);
    if (r < 0)
        return r;
    drop(j, ino, name, strlen(name));
    tidy(j);
    return 0;
}

int journal_list(struct journal *j, uint64_t ino, struct buf *ret)
{
    int r = catch_up(j);
    for (const struct attr *a = r == 0 ? idmap_get(&j->by_ino, ino) : NULL; a; a = a->next)
        buf_add(ret, a->bytes, (size_t)a->name_len + 1);
    return r;
}

int journal_clear(struct journal *j, uint64_t ino)
{
    if (!idmap_get(&j->by_ino, ino))
        return 0;
    int r = append(j, JOURNAL_CLEAR, ino, "", NULL, 0);
    if (r < 0)
        return r;
    drop_all(j, ino);
    j->cleared = true;
    tidy(j);
    return 0;
}

int journal_sync(struct journal *j, bool clears)
{
    if (!j->dirty || (clears && !j->cleared))
        return sync_dir(j);
    if (fdatasync(j->fd) < 0)
        return -errno;
    j->dirty = j->cleared = false;
    return sync_dir(j);
}
