/* SPDX-License-Identifier: Apache-2.0 */
/* Life of nodes: a million lookups and forgets leave nothing. */
#include "base/alloc.h"
#include "overlay-fuse/node.h"
#include "tests/unit/overlay-fuse/world.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { DIRS = 40, FILES = 250, ROUNDS = 100 };

static void make_tree(struct world *w)
{
    static struct tar_entry entries[DIRS * FILES];
    for (int i = 0; i < DIRS * FILES; i++)
        entries[i] = (struct tar_entry){.mode = S_IFREG | 0644,
                                        .path = xasprintf("d%d/f%d", i / FILES, i % FILES),
                                        .data = "x"};
    world_layer(w, entries, DIRS * FILES);
    for (int i = 0; i < DIRS * FILES; i++)
        free((char *)entries[i].path);
}

/* As the kernel does: a reference of its own for each, ours only for the moment. */
static struct node *look_up(struct overlay *ov, struct node *dir, char kind, int i)
{
    char name[16];
    struct node *n;
    int len = snprintf(name, sizeof(name), "%c%d", kind, i);
    assert_int_equal(node_lookup(ov, dir, name, (size_t)len, &n), 0);
    n->nlookup++;
    node_unref(ov, n);
    return n;
}

/* Directories are forgotten before what is in them now and then, as the kernel may do it. */
static void walk(struct overlay *ov, int round)
{
    static struct node *dirs[DIRS], *files[DIRS * FILES];
    for (int i = 0; i < DIRS; i++) {
        dirs[i] = look_up(ov, ov->root, 'd', i);
        for (int k = 0; k < FILES; k++)
            files[i * FILES + k] = look_up(ov, dirs[i], 'f', k);
    }
    for (int i = 0; round % 2 && i < DIRS; i++)
        node_forget(ov, dirs[i], 1);
    for (int i = 0; i < DIRS * FILES; i++)
        node_forget(ov, files[i], 1);
    for (int i = 0; round % 2 == 0 && i < DIRS; i++)
        node_forget(ov, dirs[i], 1);
}

static void test_forget(void **state)
{
    struct world w;
    world_init(&w, false);
    make_tree(&w);
    world_open(&w);
    size_t nodes = w.ov->by_id.n_keys;
    walk(w.ov, 0);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < ROUNDS; i++)
        walk(w.ov, i);
    size_t after = mallinfo2().uordblks;
    assert_int_equal(w.ov->by_id.n_keys, nodes);
    assert_int_equal(w.ov->n_fds, 0);
    assert_in_range(after, 0, before + before / 10); /* 0 where an allocator of its own is used */
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
