/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on directories' contents.
 *
 * Theory of operation. An entry's offset is its name's cookie, which does not change while the
 * directory is in memory, so a listing needs no state of its own and survives every change: what
 * was there all the time is reported exactly once. With the cookie goes how far the listing was to
 * go when it began: who renames what it reads, and so moves it to the end, comes to an end too. */
#include "base/alloc.h"
#include "overlay-fuse/server.h"

#include <stdlib.h>
#include <string.h>

enum { COOKIE_DOT = 1, COOKIE_DOT_DOT = 2 };

/* An offset: the cookie, and above it how many cookies the last one is away. */
#define COOKIE_BITS 38
#define COOKIE_MAX  ((UINT64_C(1) << COOKIE_BITS) - 1)
#define AWAY_MAX    ((UINT64_C(1) << (63 - COOKIE_BITS)) - 1) /* or more: no end is known */

struct listing {
    struct server *s;
    fuse_req_t req;
    struct node *dir;
    bool plus;
    char *data;
    size_t size, used;
    uint64_t last;       /* cookie that ends the listing */
    struct node **given; /* whose nlookup was raised, to be taken back */
    size_t n_given, cap_given;
};

static off_t offset_of(const struct listing *l, uint64_t cookie)
{
    uint64_t away = l->last > cookie ? l->last - cookie : 0;
    return (off_t)(cookie | (away < AWAY_MAX ? away : AWAY_MAX) << COOKIE_BITS);
}

/* The cookie in an offset; sets the listing's end. */
static uint64_t cookie_of(struct listing *l, off_t offset)
{
    uint64_t cookie = (uint64_t)offset & COOKIE_MAX, away = (uint64_t)offset >> COOKIE_BITS;
    bool open = offset == 0 || away == AWAY_MAX;
    l->last = open ? l->dir->dir->next_cookie - 1 : cookie + away;
    return cookie;
}

/* False: the entry does not fit any more. */
static bool add(struct listing *l, const char *name, const struct stat *st, struct node *n,
                uint64_t cookie)
{
    char *at = l->data + l->used;
    size_t left = l->size - l->used, need;
    if (l->plus) {
        struct fuse_entry_param e = {
            .attr = *st, .attr_timeout = l->s->o.timeout, .entry_timeout = l->s->o.timeout};
        if (n)
            e.attr_timeout = e.entry_timeout = server_timeout(l->s, n);
        e.ino = n ? n->id : 0; /* 0: no lookup is counted for "." and ".." */
        need = fuse_add_direntry_plus(l->req, at, left, name, &e, offset_of(l, cookie));
    } else {
        need = fuse_add_direntry(l->req, at, left, name, st, offset_of(l, cookie));
    }
    if (need > left)
        return false;
    l->used += need;
    return true;
}

static bool add_dots(struct listing *l, uint64_t after)
{
    const struct node *up = l->dir->names ? l->dir->names->dir : l->dir;
    struct stat st = {.st_mode = S_IFDIR, .st_ino = l->dir->ino};
    if (after < COOKIE_DOT && !add(l, ".", &st, NULL, COOKIE_DOT))
        return false;
    st.st_ino = up->ino;
    return after >= COOKIE_DOT_DOT || add(l, "..", &st, NULL, COOKIE_DOT_DOT);
}

/* 1: added, 0: does not fit, negative errno. */
static int add_child(struct listing *l, struct child *c)
{
    struct overlay *ov = l->s->ov;
    auto_node n = {ov, NULL};
    struct stat st;
    char name[NAME_MAX + 1];
    int r = child_resolve(ov, c, &n.n);
    if (r == 0) {
        if (l->plus)
            server_record_reveal(n.n);
        r = server_stat(l->s, n.n, &st);
    }
    if (r < 0)
        return r;
    memcpy(name, c->name, c->len);
    name[c->len] = 0;
    if (!add(l, name, &st, n.n, c->cookie))
        return 0;
    if (l->plus) {
        n.n->nlookup++;
        grow_array(l->given, l->n_given, l->cap_given);
        l->given[l->n_given++] = n.n;
    }
    return 1;
}

static int fill(struct listing *l, off_t offset)
{
    int r = dir_load(l->s->ov, l->dir);
    if (r < 0)
        return r;
    uint64_t after = cookie_of(l, offset);
    if (!add_dots(l, after))
        return 0;
    const struct dir *d = l->dir->dir;
    for (size_t i = dir_seek(d, after); i < d->n_slots && d->slots[i].cookie <= l->last; i++) {
        if (!d->slots[i].child)
            continue;
        r = add_child(l, d->slots[i].child);
        if (r <= 0)
            return l->used ? 0 : r; /* what is whole is given; the rest fails when asked for */
    }
    return 0;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, bool plus)
{
    struct server *s = server_of(req);
    struct listing l = {.s = s, .req = req, .dir = server_node(s, ino), .plus = plus, .size = size};
    if (l.size > SERVER_READ_MAX)
        l.size = SERVER_READ_MAX;
    l.data = s->data;
    int r = l.dir ? fill(&l, offset) : -ESTALE;
    if (r < 0) {
        server_reply_error(req, r);
    } else if (fuse_reply_buf(req, l.data, l.used) == -ENOENT) {
        for (size_t i = 0; i < l.n_given; i++)
            node_forget(s->ov, l.given[i], 1);
    }
    free(l.given);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (server_of(req)->open_is_free) {
        server_reply_error(req, -ENOSYS);
        return;
    }
    fi->keep_cache = 1;
    fi->cache_readdir = 1;
    fuse_reply_open(req, fi);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    list(req, ino, size, offset, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    list(req, ino, size, offset, true);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    op_fsync(req, ino, data_only, fi);
}
