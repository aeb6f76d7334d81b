/* SPDX-License-Identifier: Apache-2.0 */
/* Life of nodes. */
#include "overlay-fuse/node.h"

#include "base/alloc.h"

#include <stdlib.h>

struct node *node_new(struct overlay *ov)
{
    struct node *n = new0(struct node);
    n->id = ++ov->next_id;
    n->refs = 1;
    n->fd = -1;
    idmap_set(&ov->by_id, n->id, n);
    return n;
}

void node_set_lowers(struct node *n, const struct lower_ref *refs, size_t count)
{
    if (n->lowers != &n->lower_room)
        free(n->lowers);
    n->lowers = count <= 1 ? &n->lower_room : xcalloc(count, sizeof(*refs));
    for (size_t i = 0; i < count; i++)
        n->lowers[i] = refs[i];
    n->n_lowers = (uint32_t)count;
}

void child_attach(struct overlay *ov, struct child *c, struct node *n)
{
    c->node = n;
    c->next_name = n->names;
    n->names = c;
    n->unlinked = false;
    node_ref(c->dir);
}

void child_detach(struct overlay *ov, struct child *c)
{
    for (struct child **p = &c->node->names; *p; p = &(*p)->next_name)
        if (*p == c) {
            *p = c->next_name;
            break;
        }
    c->node = NULL;
    c->next_name = NULL;
    node_unref(ov, c->dir);
}

void node_share(struct overlay *ov, struct node *n)
{
    n->by_ino = true;
    idmap_set(&ov->by_ino, n->ino, n);
}

static void node_destroy(struct overlay *ov, struct node *n)
{
    node_close_fd(ov, n);
    if (n->by_ino && idmap_get(&ov->by_ino, n->ino) == n)
        idmap_remove(&ov->by_ino, n->ino);
    idmap_remove(&ov->by_id, n->id);
    if (n->dir)
        dir_free(n->dir);
    if (n->lowers != &n->lower_room)
        free(n->lowers);
    free(n);
}

static bool unused(const struct overlay *ov, const struct node *n)
{
    return n->refs == 0 && n->nlookup == 0 && n != ov->root;
}

/* Frees a node that nothing holds, then its parents as far as they lived only for it. A loop, not a
 * recursion: the tree may be deep. */
static void release(struct overlay *ov, struct node *n)
{
    struct child *todo = NULL; /* names whose directory loses a reference, chained */
    for (;;) {
        struct child *names = n->names;
        node_destroy(ov, n);
        for (struct child *c = names, *next; c; c = next) {
            next = c->next_name;
            c->node = NULL;
            c->next_name = todo;
            todo = c;
        }
        n = NULL;
        while (todo && !n) {
            struct child *c = todo;
            todo = c->next_name;
            c->next_name = NULL;
            c->dir->refs--;
            if (unused(ov, c->dir))
                n = c->dir;
        }
        if (!n)
            return;
    }
}

void node_unref(struct overlay *ov, struct node *n)
{
    n->refs--;
    if (unused(ov, n))
        release(ov, n);
}

void node_forget(struct overlay *ov, struct node *n, uint64_t count)
{
    n->nlookup -= count < n->nlookup ? count : n->nlookup;
    if (unused(ov, n))
        release(ov, n);
}

struct node *node_by_id(struct overlay *ov, uint64_t id)
{
    return idmap_get(&ov->by_id, id);
}
