/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes and access control lists of objects. */
#include "base/alloc.h"
#include "overlay-fuse/node.h"

#include <string.h>
#include <sys/xattr.h>

static ssize_t give(const void *from, size_t len, void *value, size_t size)
{
    if (size && len > size)
        return -ERANGE;
    if (size)
        memcpy(value, from, len);
    return (ssize_t)len;
}

static ssize_t get_lower(const struct overlay *ov, const struct node *n, const char *name,
                         void *value, size_t size)
{
    if (!n->n_lowers)
        return -ENODATA;
    const struct layer *l = lower_layer(ov, n);
    const struct index_xattr *x = lower_xattr(l, lower_inode(ov, n->lowers, n->n_lowers), name);
    return x ? give(l->heap + x->value, x->value_len, value, size) : -ENODATA;
}

/* A link that stands on disk as itself and can bear no attributes. */
static bool bears_none(const struct overlay *ov, const struct node *n)
{
    return S_ISLNK(n->v.mode) && !n->typed && ov->style == UPPER_VIRTUAL;
}

ssize_t node_getxattr(struct overlay *ov, struct node *n, const char *name, void *value,
                      size_t size)
{
    char room[XATTR_NAME_MAX + 1];
    const char *disk;
    struct upath p;
    if (!n->in_upper)
        return get_lower(ov, n, name, value, size);
    if (bears_none(ov, n))
        return -ENODATA;
    int r = upper_xattr_name(name, ov->style, room, &disk);
    if (r == 0)
        r = node_object(ov, n, &p);
    return r < 0 ? r : upath_getxattr(&p, disk, value, size);
}

/* Of the root it is recorded that it was changed at all. */
static int mark_root(struct overlay *ov, const struct node *n, const struct upath *p)
{
    return n == ov->root ? upper_set_attr(p, &n->v, ov->style, false, true) : 0;
}

int node_keep_xattr(struct overlay *ov, struct node *n, const char *name, const void *value,
                    size_t size, int flags)
{
    char room[XATTR_NAME_MAX + 1];
    const char *disk;
    struct upath p;
    int r = upper_xattr_name(name, ov->style, room, &disk);
    if (r == 0)
        r = node_copy_up_attr(ov, n);
    if (r == 0 && bears_none(ov, n))
        r = node_make_typed(ov, n);
    if (r == 0)
        r = node_object(ov, n, &p);
    if (r == 0)
        r = upath_setxattr(&p, disk, value, size, flags);
    if (r == 0)
        r = upath_changed(&p);
    return r < 0 ? r : mark_root(ov, n, &p);
}

/* An access list that says no more than mode bits becomes mode bits. */
static int set_access_acl(struct overlay *ov, struct node *n, const void *value, size_t size,
                          int flags)
{
    mode_t mode = n->v.mode;
    bool minimal;
    int r = acl_to_mode(value, size, &mode, &minimal);
    if (r < 0)
        return r;
    if (minimal) {
        r = node_removexattr(ov, n, ACL_ACCESS);
        if (r == -ENODATA)
            r = 0;
    } else {
        r = node_keep_xattr(ov, n, ACL_ACCESS, value, size, flags);
    }
    return r < 0 || mode == n->v.mode ? r : node_chmod(ov, n, mode & 07777);
}

static int set_default_acl(struct overlay *ov, struct node *n, const void *value, size_t size,
                           int flags)
{
    mode_t mode = 0;
    bool minimal;
    if (!node_is_dir(n))
        return -EACCES;
    int r = acl_to_mode(value, size, &mode, &minimal);
    if (r == 0)
        r = node_keep_xattr(ov, n, ACL_DEFAULT, value, size, flags);
    if (r == 0)
        n->default_acl = true;
    return r;
}

static bool is_kind(const char *name)
{
    static const char *const kinds[] = {"user.", "trusted.", "security."};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

int node_setxattr(struct overlay *ov, struct node *n, const char *name, const void *value,
                  size_t size, int flags)
{
    if (strcmp(name, ACL_ACCESS) == 0)
        return set_access_acl(ov, n, value, size, flags);
    if (strcmp(name, ACL_DEFAULT) == 0)
        return set_default_acl(ov, n, value, size, flags);
    if (!is_kind(name))
        return -EOPNOTSUPP;
    return node_keep_xattr(ov, n, name, value, size, flags);
}

int node_removexattr(struct overlay *ov, struct node *n, const char *name)
{
    char room[XATTR_NAME_MAX + 1];
    const char *disk;
    struct upath p;
    ssize_t there = node_getxattr(ov, n, name, NULL, 0);
    if (there == -ENODATA && (strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0))
        return 0; /* to have no list is what was wanted, as elsewhere */
    if (there < 0)
        return (int)there;
    int r = upper_xattr_name(name, ov->style, room, &disk);
    if (r == 0)
        r = node_copy_up_attr(ov, n);
    if (r == 0)
        r = node_object(ov, n, &p);
    if (r == 0)
        r = upath_removexattr(&p, disk);
    if (r == 0)
        r = upath_changed(&p);
    if (r == 0)
        r = mark_root(ov, n, &p);
    if (r == 0 && strcmp(name, ACL_DEFAULT) == 0)
        n->default_acl = false;
    return r;
}

int node_listxattr(struct overlay *ov, struct node *n, struct buf *ret)
{
    if (!n->in_upper && n->n_lowers) {
        const struct layer *l = lower_layer(ov, n);
        const struct index_inode *in = lower_inode(ov, n->lowers, n->n_lowers);
        int r = layer_need_xattrs(l, (uint32_t)(in - l->inodes));
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < in->n_xattrs; i++) {
            const struct index_xattr *x = &l->xattrs[in->first_xattr + i];
            buf_add(ret, l->heap + x->name, x->name_len);
            buf_add_char(ret, 0);
        }
        return 0;
    }
    if (!n->in_upper || bears_none(ov, n))
        return 0;
    struct upath p;
    auto_buf names = {0};
    int r = node_object(ov, n, &p);
    if (r == 0)
        r = upath_listxattr(&p, &names);
    for (const char *s = names.data; r == 0 && s < names.data + names.len; s += strlen(s) + 1) {
        const char *shown = upper_xattr_shown(s, ov->style);
        if (shown)
            buf_add(ret, shown, strlen(shown) + 1);
    }
    return r;
}
