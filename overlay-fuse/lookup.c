/* SPDX-License-Identifier: Apache-2.0 */
/* Names to nodes. */
#include "base/alloc.h"
#include "overlay-fuse/node.h"

#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

uint64_t lower_ino(const struct overlay *ov, struct lower_ref ref)
{
    return layer_ino(&ov->layers[ref.layer], ref.inode);
}

bool lower_by_ino(const struct overlay *ov, uint64_t ino, struct lower_ref *ret)
{
    for (size_t i = 0; i < ov->n_layers; i++) {
        const struct layer *l = &ov->layers[i];
        if (!l->tree && ino >= l->ino_base && ino - l->ino_base < l->header->inodes.count) {
            *ret = (struct lower_ref){(uint32_t)i, (uint32_t)(ino - l->ino_base)};
            return true;
        }
    }
    return false;
}

uint64_t upper_ino(uint64_t real)
{
    return real | UINT64_C(1) << 62;
}

size_t lower_lookup(const struct overlay *ov, const struct lower_ref *dirs, size_t n_dirs,
                    const char *name, size_t len, struct lower_ref *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < n_dirs && n < max; i++) {
        const struct layer *l = &ov->layers[dirs[i].layer];
        const struct index_entry *e = layer_find(l, dirs[i].inode, name, len);
        if (!e)
            continue;
        if (e->inode == INDEX_NO_INODE)
            break;
        const struct index_inode *in = &l->inodes[e->inode];
        if (!S_ISDIR(in->mode) && n > 0)
            break;
        ret[n++] = (struct lower_ref){dirs[i].layer, e->inode};
        if (!S_ISDIR(in->mode) || (i + 1 < n_dirs && n < max && layer_is_opaque(l, e->inode)))
            break;
    }
    return n;
}

bool lower_has(const struct overlay *ov, const struct node *dir, const char *name, size_t len)
{
    struct lower_ref found;
    return lower_lookup(ov, dir->lowers, dir->n_lowers, name, len, &found, 1) > 0;
}

const struct index_inode *lower_inode(const struct overlay *ov, const struct lower_ref *refs,
                                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct index_inode *in = &ov->layers[refs[i].layer].inodes[refs[i].inode];
        if (!(in->flags & INDEX_IMPLICIT))
            return in;
    }
    return &ov->layers[refs[0].layer].inodes[refs[0].inode];
}

void lower_attr(const struct overlay *ov, const struct lower_ref *refs, size_t n, struct vattr *ret)
{
    const struct index_inode *in = lower_inode(ov, refs, n);
    *ret = (struct vattr){.mode = S_ISLNK(in->mode) ? S_IFLNK | 0777 : in->mode & (S_IFMT | 07777),
                          .uid = in->uid,
                          .gid = in->gid,
                          .rdev = makedev(in->dev_major, in->dev_minor)};
}

static mode_t ref_mode(const struct overlay *ov, struct lower_ref ref)
{
    return ov->layers[ref.layer].inodes[ref.inode].mode;
}

/* The directories of the layers that a directory of this name merges. */
static void merge_lowers(struct overlay *ov, const struct child *c, struct node *n)
{
    if (c->dir->n_lowers == 0) {
        node_set_lowers(n, NULL, 0);
        return;
    }
    struct lower_ref *refs = xcalloc(c->dir->n_lowers, sizeof(*refs));
    size_t count =
        lower_lookup(ov, c->dir->lowers, c->dir->n_lowers, c->name, c->len, refs, c->dir->n_lowers);
    if (count && !S_ISDIR(ref_mode(ov, refs[0])))
        count = 0;
    node_set_lowers(n, refs, count);
    free(refs);
}

const struct index_xattr *lower_xattr(const struct layer *l, const struct index_inode *in,
                                      const char *name)
{
    size_t len = strlen(name);
    if (layer_need_xattrs(l, (uint32_t)(in - l->inodes)) < 0)
        return NULL;
    for (uint32_t i = 0; i < in->n_xattrs; i++) {
        const struct index_xattr *x = &l->xattrs[in->first_xattr + i];
        if (x->name_len == len && memcmp(l->heap + x->name, name, len) == 0)
            return x;
    }
    return NULL;
}

/* The attributes of an upper file speak for an object whose data a layer has. */
static int tie_data(struct overlay *ov, const struct upper_object *o, struct node *n)
{
    struct lower_ref ref;
    if (!S_ISREG(o->v.mode) || !lower_by_ino(ov, o->ino, &ref) || !S_ISREG(ref_mode(ov, ref)))
        return -EIO;
    node_set_lowers(n, &ref, 1);
    n->meta = true;
    return 0;
}

static int resolve_upper(struct overlay *ov, struct child *c, struct node **ret)
{
    struct upath p;
    struct upper_object o;
    int r = child_upath(ov, c->dir, c->name, c->len, &p);
    if (r == 0)
        r = upper_read(&p, ov->style, &o);
    if (r < 0)
        return r == -ENOENT ? -EIO : r;
    bool dir = S_ISDIR(o.v.mode);
    uint64_t ino = o.ino ? o.ino : upper_ino(o.st.st_ino);
    if (!dir) { /* it may have had more names when its node was made */
        struct node *n = idmap_get(&ov->by_ino, ino);
        if (n && n->in_upper) {
            *ret = node_ref(n);
            return 0;
        }
    }
    struct node *n = node_new(ov);
    n->ino = ino;
    n->in_upper = true;
    n->typed = o.typed;
    n->v = o.v;
    n->default_acl = o.default_acl;
    node_set_lowers(n, NULL, 0);
    if (o.meta) {
        r = tie_data(ov, &o, n);
        if (r < 0) {
            node_unref(ov, n);
            return r;
        }
    } else if (dir && !o.opaque) {
        merge_lowers(ov, c, n);
        if (n->n_lowers && !o.ino)
            n->ino = lower_ino(ov, n->lowers[0]);
    }
    if (!dir && o.st.st_nlink > 1)
        node_share(ov, n);
    *ret = n;
    return 0;
}

/* The layer whose record speaks for the object. */
const struct layer *lower_layer(const struct overlay *ov, const struct node *n)
{
    const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
    for (uint32_t i = 0; i < n->n_lowers; i++) {
        const struct layer *l = &ov->layers[n->lowers[i].layer];
        if (in == &l->inodes[n->lowers[i].inode])
            return l;
    }
    return &ov->layers[n->lowers[0].layer];
}

bool lower_default_acl(const struct overlay *ov, const struct node *n)
{
    return lower_xattr(lower_layer(ov, n), lower_inode(ov, n->lowers, n->n_lowers), ACL_DEFAULT) !=
           NULL;
}

#define MAX_LOWER_DEPTH 4096

/* Where a layer's own path of an entry leads in the merged tree: a name that shows or not, whatever
 * it names. */
static int lower_path(struct overlay *ov, const struct layer *l, uint32_t entry,
                      struct child **ret_child, struct node **ret_dir)
{
    uint32_t path[MAX_LOWER_DEPTH]; /* entries from the name up to the root */
    size_t n = 0;
    for (uint32_t e = entry;; e = l->inodes[l->entries[e].dir].entry) {
        if (n == MAX_LOWER_DEPTH)
            return -ENOENT;
        path[n++] = e;
        if (l->entries[e].dir == 0)
            break;
    }
    auto_node at = {ov, node_ref(ov->root)};
    while (n-- > 1) {
        struct node *next;
        int r = node_lookup(ov, at.n, l->heap + l->entries[path[n]].name, l->entries[path[n]].len,
                            &next);
        if (r < 0)
            return r;
        node_unref(ov, at.n);
        at.n = next;
        if (!node_is_dir(next))
            return -ENOENT;
    }
    int r = dir_load(ov, at.n);
    if (r < 0)
        return r;
    struct child *c = dir_find(at.n, l->heap + l->entries[entry].name, l->entries[entry].len);
    if (!c)
        return -ENOENT;
    *ret_child = c;
    *ret_dir = take_ptr(at.n);
    return 0;
}

/* The copy in the upper directory of an object with several names, from another name than the one
 * at hand: a crash was between the first name of the copy and the others. -ENOENT: there is none.
 */
static int find_copy(struct overlay *ov, struct lower_ref ref, uint64_t ino, struct node **ret)
{
    const struct layer *l = &ov->layers[ref.layer];
    const struct index_inode *in = &l->inodes[ref.inode];
    for (uint32_t i = 0; !l->tree && i < in->nlink; i++) {
        struct child *c;
        auto_node dir = {ov, NULL}, n = {ov, NULL};
        int r = lower_path(ov, l, l->links[in->first_link + i].entry, &c, &dir.n);
        if (r == 0 && c->in_upper && !c->hidden)
            r = child_resolve(ov, c, &n.n);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
            return r;
        if (n.n && n.n->in_upper && n.n->ino == ino) {
            *ret = take_ptr(n.n);
            return 0;
        }
    }
    return -ENOENT;
}

/* An object with several names that another name has led to. */
static int known_lower(struct overlay *ov, struct lower_ref ref, uint64_t ino, struct node **ret)
{
    struct node *n = idmap_get(&ov->by_ino, ino);
    if (n) {
        *ret = node_ref(n);
        return 0;
    }
    return ov->upper_fd < 0 ? -ENOENT : find_copy(ov, ref, ino, ret);
}

static int resolve_lower(struct overlay *ov, struct child *c, struct node **ret)
{
    const struct index_inode *in = &ov->layers[c->lower.layer].inodes[c->lower.inode];
    uint64_t ino = lower_ino(ov, c->lower);
    bool many = !S_ISDIR(in->mode) && in->nlink > 1;
    int r = many ? known_lower(ov, c->lower, ino, ret) : -ENOENT;
    if (r != -ENOENT)
        return r;
    struct node *n = node_new(ov);
    n->ino = ino;
    if (S_ISDIR(in->mode))
        merge_lowers(ov, c, n);
    else
        node_set_lowers(n, &c->lower, 1);
    lower_attr(ov, n->lowers, n->n_lowers, &n->v);
    if (S_ISDIR(in->mode))
        n->default_acl = lower_default_acl(ov, n);
    if (many)
        node_share(ov, n);
    *ret = n;
    return 0;
}

/* Counts the names of an object of a layer that are still there, and ties them to it. */
static int count_names(struct overlay *ov, struct node *n)
{
    struct lower_ref ref = n->lowers[0];
    const struct layer *l = &ov->layers[ref.layer];
    const struct index_inode *in = &l->inodes[ref.inode];
    uint32_t count = 0;
    if (l->tree) { /* which its other names are nobody knows */
        n->nlink = in->nlink;
        return 0;
    }
    for (uint32_t i = 0; i < in->nlink; i++) {
        struct child *c;
        auto_node dir = {ov, NULL};
        int r = lower_path_child(ov, ref, l->links[in->first_link + i].entry, &c, &dir.n);
        if (r == -ENOENT)
            continue;
        if (r < 0)
            return r;
        if (!c->node)
            child_attach(ov, c, n);
        count++;
    }
    n->nlink = count;
    return 0;
}

int child_resolve(struct overlay *ov, struct child *c, struct node **ret)
{
    struct node *n;
    if (c->hidden)
        return -ENOENT;
    if (c->node) {
        *ret = node_ref(c->node);
        return 0;
    }
    int r = c->in_upper ? resolve_upper(ov, c, &n) : resolve_lower(ov, c, &n);
    if (r < 0)
        return r;
    child_attach(ov, c, n);
    if (n->by_ino && !n->in_upper && n->nlink == 0)
        r = count_names(ov, n);
    else if (n->in_upper && !c->in_upper)
        r = node_link_names(ov, n); /* a name that was not known when it was copied up */
    if (r < 0) {
        node_unref(ov, n);
        return r;
    }
    *ret = n;
    return 0;
}

int node_lookup(struct overlay *ov, struct node *dir, const char *name, size_t len,
                struct node **ret)
{
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    int r = dir_load(ov, dir);
    if (r < 0)
        return r;
    struct child *c = dir_find(dir, name, len);
    return c ? child_resolve(ov, c, ret) : -ENOENT;
}

int lower_path_child(struct overlay *ov, struct lower_ref ref, uint32_t entry,
                     struct child **ret_child, struct node **ret_dir)
{
    struct child *c;
    auto_node dir = {ov, NULL};
    int r = lower_path(ov, &ov->layers[ref.layer], entry, &c, &dir.n);
    if (r < 0)
        return r;
    if (c->hidden || c->in_upper || !c->in_lower || c->lower.layer != ref.layer ||
        c->lower.inode != ref.inode)
        return -ENOENT;
    *ret_child = c;
    *ret_dir = take_ptr(dir.n);
    return 0;
}
