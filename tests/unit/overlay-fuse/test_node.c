/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: a million lookups and forgets leave nothing; what a journal says is on the disk in time.
 */
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

/* --- the attribute journal ---------------------------------------------------------------- */

static struct node *make(struct world *w, const char *name, mode_t mode, uid_t uid)
{
    const struct make m = {.mode = mode, .uid = uid, .target = "t", .data_fd = -1};
    struct node *n;
    assert_int_equal(node_make(w->ov, w->ov->root, name, &m, &n), 0);
    return n;
}

/* Names that must not be seen without what the journal says of them. */
static void settle(struct world *w)
{
    struct overlay *ov = w->ov;
    const struct journal *j = ov->journal;
    auto_node file = {ov, make(w, "file", S_IFREG | 0644, 1000)}, big = {ov, NULL};
    assert_true(j->dirty); /* an owner may be as late as the file itself */
    assert_int_equal(node_sync(ov, file.n, true), 0);
    assert_false(j->dirty);

    assert_int_equal(node_chmod(ov, file.n, 04755), 0);
    node_unref(ov, make(w, "plain", S_IFREG | 0644, 0));
    assert_true(j->dirty);
    node_unref(ov, make(w, "link", S_IFLNK | 0777, 1000));
    assert_false(j->dirty); /* else it could be seen as a file */

    assert_int_equal(node_remove(ov, ov->root, "link", REMOVE_FILE), 0);
    assert_true(j->dirty && j->cleared);
    node_unref(ov, make(w, "plain2", S_IFREG | 0644, 0));
    assert_false(j->dirty); /* it may have the number of what is gone */

    assert_int_equal(node_lookup(ov, ov->root, "big", 3, &big.n), 0);
    assert_int_equal(node_copy_up_attr(ov, big.n), 0);
    assert_true(big.n->meta);
    assert_false(j->dirty); /* else it could be seen as zeros */

    assert_int_equal(node_rename(ov, ov->root, "dir", ov->root, "dir2", 0), 0);
    assert_false(j->dirty); /* else it could be merged with a layer's */
}

static void test_settle(void **state)
{
    static const struct tar_entry entries[] = {{.mode = S_IFREG | 0644, .path = "big", .data = "x"},
                                               {.mode = S_IFDIR | 0755, .path = "dir"},
                                               {.mode = S_IFREG | 0644, .path = "dir/f"}};
    struct world w;
    world_init(&w, false);
    world_keep_journal(&w);
    world_layer(&w, entries, 3);
    w.options.no_sync = false;
    world_open(&w);
    settle(&w);
    world_done(&w);
}

/* An object that is gone and still open keeps its attributes until it is closed. */
static void test_gone_and_open(void **state)
{
    struct world w;
    char value[8];
    world_init(&w, false);
    world_keep_journal(&w);
    world_open(&w);
    struct node *n = make(&w, "file", S_IFREG | 0600, 5);
    size_t numbers = w.ov->journal->by_ino.n_keys;
    n->nlookup++;
    node_unref(w.ov, n);
    assert_int_equal(node_setxattr(w.ov, n, "user.k", "v", 1, 0), 0);
    assert_int_equal(node_remove(w.ov, w.ov->root, "file", REMOVE_FILE), 0);
    assert_int_equal(node_getxattr(w.ov, n, "user.k", value, sizeof(value)), 1);
    assert_int_equal(node_setxattr(w.ov, n, "user.l", "w", 1, 0), 0);
    assert_int_equal(w.ov->journal->by_ino.n_keys, numbers);
    node_forget(w.ov, n, 1);
    assert_int_equal(w.ov->journal->by_ino.n_keys, numbers - 1);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forget), cmocka_unit_test(test_settle),
                                       cmocka_unit_test(test_gone_and_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
