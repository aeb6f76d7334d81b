/* SPDX-License-Identifier: Apache-2.0 */
/* What `cp` sends through a pipe. */
#include "engine/copy_wire.h"

#include "base/file.h"

#include <string.h>

/* In front of every message; `len` bytes follow. */
struct head {
    uint32_t type, len;
};

struct root_head {
    uint8_t is_dir, contents, archive;
};

struct entry_head {
    uint32_t mode, uid, gid, n_xattrs;
    uint64_t size;
    int64_t mtime;
    uint32_t mtime_nsec;
    uint8_t has_link, has_same;
};

static int put(int fd, enum copy_type type, const struct buf *b, struct err *err)
{
    struct head h = {.type = type, .len = (uint32_t)b->len};
    if (b->len > COPY_HEAD_MAX)
        return err_set(err, -E2BIG, "the names and attributes of a file are too long");
    int r = write_full(fd, &h, sizeof(h));
    if (r == 0)
        r = write_full(fd, b->data, b->len);
    return r < 0 ? err_errno(err, r, "write to the pipe") : 0;
}

static void add_string(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s) + 1);
}

int copy_put_root(int fd, const struct copy_root *root, struct err *err)
{
    auto_buf b = {0};
    struct root_head h = {root->is_dir, root->contents, root->archive};
    buf_add(&b, &h, sizeof(h));
    add_string(&b, root->name ? root->name : "");
    return put(fd, COPY_ROOT, &b, err);
}

int copy_put_entry(int fd, const struct copy_entry *e, struct err *err)
{
    auto_buf b = {0};
    struct entry_head h = {.mode = e->mode,
                           .uid = e->uid,
                           .gid = e->gid,
                           .n_xattrs = (uint32_t)e->n_xattrs,
                           .size = e->size,
                           .mtime = e->mtime.tv_sec,
                           .mtime_nsec = (uint32_t)e->mtime.tv_nsec,
                           .has_link = e->link != NULL,
                           .has_same = e->same != NULL};
    buf_add(&b, &h, sizeof(h));
    add_string(&b, e->path);
    if (e->link)
        add_string(&b, e->link);
    if (e->same)
        add_string(&b, e->same);
    for (size_t i = 0; i < e->n_xattrs; i++) {
        uint32_t len = (uint32_t)e->xattrs[i].len;
        add_string(&b, e->xattrs[i].name);
        buf_add(&b, &len, sizeof(len));
        buf_add(&b, e->xattrs[i].value, len);
    }
    return put(fd, COPY_ENTRY, &b, err);
}

int copy_put_data(int fd, uint64_t offset, const void *data, size_t len, struct err *err)
{
    struct head h = {.type = COPY_DATA, .len = (uint32_t)(sizeof(offset) + len)};
    char start[sizeof(h) + sizeof(offset)];
    memcpy(start, &h, sizeof(h));
    memcpy(start + sizeof(h), &offset, sizeof(offset));
    int r = write_full(fd, start, sizeof(start));
    if (r == 0 && len)
        r = write_full(fd, data, len);
    return r < 0 ? err_errno(err, r, "write to the pipe") : 0;
}

int copy_put_end(int fd, struct err *err)
{
    return put(fd, COPY_END, &(struct buf){0}, err);
}

int copy_put_failed(int fd, const struct err *failure)
{
    auto_buf b = {0};
    buf_add(&b, failure, sizeof(*failure));
    return put(fd, COPY_FAILED, &b, NULL);
}

/* --- receiving ----------------------------------------------------------------------------- */

void copy_message_done(struct copy_message *m)
{
    buf_done(&m->data);
    buf_done(&m->head);
}

/* What is not taken yet of a message. */
struct rest {
    const char *p;
    size_t len;
};

static bool take(struct rest *r, void *to, size_t n)
{
    if (r->len < n)
        return false;
    memcpy(to, r->p, n);
    r->p += n;
    r->len -= n;
    return true;
}

static const char *take_string(struct rest *r)
{
    const char *end = r->len ? memchr(r->p, 0, r->len) : NULL;
    const char *s = r->p;
    if (!end)
        return NULL;
    r->len -= (size_t)(end + 1 - r->p);
    r->p = end + 1;
    return s;
}

static bool take_xattr(struct rest *r, struct copy_xattr *x)
{
    uint32_t len;
    x->name = take_string(r);
    if (!x->name || !take(r, &len, sizeof(len)) || len > r->len)
        return false;
    x->value = r->p;
    x->len = len;
    r->p += len;
    r->len -= len;
    return true;
}

static bool take_entry(struct rest *r, struct copy_entry *e)
{
    struct entry_head h;
    if (!take(r, &h, sizeof(h)) || h.n_xattrs > COPY_XATTRS_MAX)
        return false;
    *e = (struct copy_entry){.mode = h.mode,
                             .uid = h.uid,
                             .gid = h.gid,
                             .size = h.size,
                             .mtime = {.tv_sec = h.mtime, .tv_nsec = h.mtime_nsec},
                             .n_xattrs = h.n_xattrs};
    e->path = take_string(r);
    if (h.has_link)
        e->link = take_string(r);
    if (h.has_same)
        e->same = take_string(r);
    if (!e->path || (h.has_link && !e->link) || (h.has_same && !e->same))
        return false;
    for (size_t i = 0; i < e->n_xattrs; i++)
        if (!take_xattr(r, &e->xattrs[i]))
            return false;
    return true;
}

static bool take_root(struct rest *r, struct copy_root *root)
{
    struct root_head h;
    if (!take(r, &h, sizeof(h)))
        return false;
    *root = (struct copy_root){
        .is_dir = h.is_dir, .contents = h.contents, .archive = h.archive, .name = take_string(r)};
    return root->name != NULL;
}

static int broken(int code, struct err *err)
{
    return code < 0 ? err_errno(err, code, "read from the pipe")
                    : err_set(err, -EPIPE, "the other end of the copy ended early");
}

/* The rest of the message into `to`. */
static int receive(int fd, struct buf *to, size_t len, struct err *err)
{
    buf_truncate(to, 0);
    buf_reserve(to, len);
    ssize_t n = read_full(fd, to->data, len);
    if (n != (ssize_t)len)
        return broken(n < 0 ? (int)n : 0, err);
    to->len = len;
    to->data[len] = 0;
    return 0;
}

static int receive_data(int fd, struct copy_message *m, size_t len, struct err *err)
{
    if (len < sizeof(m->offset) || len > sizeof(m->offset) + COPY_CHUNK)
        return err_set(err, -EPROTO, "bad message from the other end of the copy");
    ssize_t n = read_full(fd, &m->offset, sizeof(m->offset));
    if (n != sizeof(m->offset))
        return broken(n < 0 ? (int)n : 0, err);
    return receive(fd, &m->data, len - sizeof(m->offset), err);
}

int copy_get(int fd, struct copy_message *m, struct err *err)
{
    struct head h;
    ssize_t n = read_full(fd, &h, sizeof(h));
    if (n != sizeof(h))
        return broken(n < 0 ? (int)n : 0, err);
    m->type = h.type;
    if (h.type == COPY_DATA)
        return receive_data(fd, m, h.len, err);
    int r = h.len > COPY_HEAD_MAX ? -EPROTO : receive(fd, &m->head, h.len, err);
    if (r < 0 && r != -EPROTO)
        return r;
    struct rest rest = {m->head.data, m->head.len};
    bool good = r == 0;
    if (good && h.type == COPY_ROOT)
        good = take_root(&rest, &m->root);
    else if (good && h.type == COPY_ENTRY)
        good = take_entry(&rest, &m->entry);
    else if (good && h.type == COPY_FAILED)
        good = take(&rest, &m->failure, sizeof(m->failure)) && m->failure.code < 0 &&
               memchr(m->failure.message, 0, sizeof(m->failure.message));
    else
        good = good && h.type == COPY_END;
    return good && rest.len == 0
               ? 0
               : err_set(err, -EPROTO, "bad message from the other end of the copy");
}
