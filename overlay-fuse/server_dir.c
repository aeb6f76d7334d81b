/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on directories' contents.
 *
 * Theory of operation. An entry's offset is its name's cookie, which does not change while the
 * directory is in memory, so a listing needs no state of its own and survives every change: what
 * was there all the time is reported exactly once. */
#include "base/alloc.h"
#include "overlay-fuse/server.h"

#include <stdlib.h>
#include <string.h>

enum { COOKIE_DOT = 1, COOKIE_DOT_DOT = 2 };

struct listing {
    struct server *s;
    fuse_req_t req;
    struct node *dir;
    bool plus;
    char *data;
    size_t size, used;
    struct node **given; /* whose nlookup was raised, to be taken back */
    size_t n_given, cap_given;
};

/* False: the entry does not fit any more. */
static bool add(struct listing *l, const char *name, const struct stat *st, struct node *n,
                uint64_t cookie)
{
    char *at = l->data + l->used;
    size_t left = l->size - l->used, need;
    if (l->plus) {
        struct fuse_entry_param e = {
            .attr = *st, .attr_timeout = l->s->o.timeout, .entry_timeout = l->s->o.timeout};
        e.ino = n ? n->id : 0; /* 0: no lookup is counted for "." and ".." */
        need = fuse_add_direntry_plus(l->req, at, left, name, &e, (off_t)cookie);
    } else {
        need = fuse_add_direntry(l->req, at, left, name, st, (off_t)cookie);
    }
    if (need > left)
        return false;
    l->used += need;
    return true;
}

static bool add_dots(struct listing *l, off_t offset)
{
    const struct node *up = l->dir->names ? l->dir->names->dir : l->dir;
    struct stat st = {.st_mode = S_IFDIR, .st_ino = l->dir->ino};
    if (offset < COOKIE_DOT && !add(l, ".", &st, NULL, COOKIE_DOT))
        return false;
    st.st_ino = up->ino;
    return offset >= COOKIE_DOT_DOT || add(l, "..", &st, NULL, COOKIE_DOT_DOT);
}

/* 1: added, 0: does not fit, negative errno. */
static int add_child(struct listing *l, struct child *c)
{
    struct overlay *ov = l->s->ov;
    auto_node n = {ov, NULL};
    struct stat st;
    char name[NAME_MAX + 1];
    int r = child_resolve(ov, c, &n.n);
    if (r == 0)
        r = server_stat(l->s, n.n, &st);
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
    if (r < 0 || !add_dots(l, offset))
        return r;
    const struct dir *d = l->dir->dir;
    for (size_t i = dir_seek(d, (uint64_t)offset); i < d->n_slots; i++) {
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
