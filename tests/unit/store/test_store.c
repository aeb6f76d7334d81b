/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, staging, claims, garbage. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "place.h"
#include "store/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static mode_t mode_of(int dirfd, const char *path)
{
    struct stat st;
    assert_int_equal(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static void test_layout(void **state)
{
    static const char *const dirs[] = {".",       "blobs",      "blobs/sha256", "index", "names",
                                       "volumes", "containers", "cache/build",  "tmp"};
    static const mode_t umasks[] = {0, 077, 0277};
    mode_t old = umask(0);
    for (size_t u = 0; u < sizeof(umasks) / sizeof(*umasks); u++) {
        void *made = NULL;
        umask(umasks[u]);
        assert_int_equal(place_setup(&made), 0);
        struct place *p = made;
        for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
            assert_int_equal(mode_of(p->store.root_fd, dirs[i]), 0700);
        assert_int_equal(mode_of(p->store.run_fd, "."), 0700);
        assert_int_equal(mode_of(p->store.root_fd, "index.json"), 0600);
        assert_int_equal(mode_of(p->store.root_fd, "oci-layout"), 0600);
        struct staging st;
        assert_int_equal(store_staging_make(&p->store, &st, NULL), 0);
        assert_int_equal(mode_of(st.fd, "lock"), 0600);
        store_staging_done(&st);
        umask(0);
        assert_int_equal(place_teardown(&made), 0);
    }
    umask(old);
}

static void test_open_again(void **state)
{
    struct place *p = *state;
    struct store again;
    struct err err = {0};
    struct store_options o = {.root = p->root, .runroot = p->runroot};
    assert_int_equal(fchmod(p->store.root_fd, 0755), 0);
    if (store_open(&o, &again, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(mode_of(again.root_fd, "."), 0700);
    assert_string_equal(again.root, p->root);
    store_close(&again);
    /* What a crash while it was made leaves is completed. */
    assert_int_equal(unlinkat(p->store.root_fd, "tmp", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(p->store.root_fd, "names", AT_REMOVEDIR), 0);
    assert_int_equal(store_open(&o, &again, &err), 0);
    assert_true(exists_at(again.root_fd, "names"));
    store_close(&again);
}

static void test_open_refused(void **state)
{
    struct place *p = *state;
    auto_free char *other = xasprintf("%s/other", p->dir);
    auto_free char *file = xasprintf("%s/other/letter.txt", p->dir);
    auto_free char *link = xasprintf("%s/link", p->dir);
    auto_free char *wide = xasprintf("%s/wide", p->dir);
    assert_int_equal(mkdir(other, 0755), 0);
    assert_int_equal(mkdir(wide, 0700), 0);
    assert_int_equal(chmod(wide, 0711), 0);
    assert_int_equal(symlink(p->runroot, link), 0);
    assert_int_equal(file_write_at(AT_FDCWD, file, "x", 1, 0600, 0, NULL), 0);
    const struct {
        const char *root, *runroot, *says;
    } cases[] = {
        {other, p->runroot, "letter.txt"}, {file, p->runroot, "Not a directory"},
        {p->root, link, "link"},           {p->root, file, "no directory"},
        {p->root, wide, "0711"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct store s;
        struct err err = {0};
        struct store_options o = {.root = cases[i].root, .runroot = cases[i].runroot};
        if (store_open(&o, &s, &err) >= 0)
            fail_msg("case %zu was accepted", i);
        if (!strstr(err.message, cases[i].says))
            fail_msg("case %zu: %s", i, err.message);
    }
    assert_int_equal(mode_of(AT_FDCWD, other), 0755); /* untouched */
    assert_int_equal(mode_of(AT_FDCWD, wide), 0711);
}

static void test_defaults(void **state)
{
    struct place *p = *state;
    auto_free char *data = xasprintf("%s/data", p->dir);
    auto_free char *runtime = xasprintf("%s/xdg-run", p->dir);
    auto_free char *want_root = xasprintf("%s/data/wherry", p->dir);
    auto_free char *want_home = xasprintf("%s/.local/share/wherry", p->dir);
    auto_free char *want_run = xasprintf("%s/xdg-run/wherry", p->dir);
    assert_int_equal(mkdir(runtime, 0700), 0);
    unsetenv("WHERRY_ROOT");
    unsetenv("WHERRY_RUNROOT");
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    setenv("XDG_DATA_HOME", data, 1);
    setenv("HOME", p->dir, 1);
    struct store s;
    assert_int_equal(store_open(NULL, &s, NULL), 0);
    assert_string_equal(s.root, want_root);
    assert_string_equal(s.runroot, want_run);
    store_close(&s);
    setenv("XDG_DATA_HOME", "relative", 1);
    assert_int_equal(store_open(NULL, &s, NULL), 0);
    assert_string_equal(s.root, want_home);
    store_close(&s);
    setenv("WHERRY_ROOT", p->root, 1);
    setenv("WHERRY_RUNROOT", p->runroot, 1);
    assert_int_equal(store_open(NULL, &s, NULL), 0);
    assert_string_equal(s.root, p->root);
    assert_string_equal(s.runroot, p->runroot);
    store_close(&s);
    unsetenv("WHERRY_ROOT");
    unsetenv("WHERRY_RUNROOT");
}

static void test_relative_root(void **state)
{
    struct place *p = *state;
    auto_free char *want = xasprintf("%s/root", p->dir);
    auto_free char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(p->dir), 0);
    struct store_options o = {.root = "root", .runroot = "run"};
    struct store s;
    assert_int_equal(store_open(&o, &s, NULL), 0);
    assert_string_equal(s.root, want);
    store_close(&s);
    assert_int_equal(chdir(here), 0);
}

static int die_with_staging(struct place *p, void *arg)
{
    char *path = NULL;
    if (store_staging_dir(&p->store, &path, NULL) < 0)
        return 1;
    auto_free char *deep = xasprintf("%s/upper/a/b", path);
    return mkdir_parents_at(AT_FDCWD, deep, 0700, NULL) < 0;
}

static void test_garbage(void **state)
{
    struct place *p = *state;
    auto_free char *mine = NULL;
    int lock = store_staging_dir(&p->store, &mine, NULL);
    assert_true(lock >= 0);
    assert_int_equal(mode_of(AT_FDCWD, mine), 0700);
    assert_int_equal(place_fork(die_with_staging, p, NULL), 0);
    assert_int_equal(mkdirat(p->store.root_fd, "tmp/no-lock-at-all", 0700), 0);
    assert_int_equal(symlinkat("/", p->store.root_fd, "tmp/link"), 0);
    assert_int_equal(file_write_at(p->store.root_fd, ".tmp-x", "", 0, 0600, 0, NULL), 0);
    auto_strv before = {0}, after = {0};
    list_dir_at(p->store.root_fd, "tmp", &before, NULL);
    assert_int_equal(before.len, 4);
    assert_int_equal(store_collect_garbage(&p->store, NULL), 0);
    list_dir_at(p->store.root_fd, "tmp", &after, NULL);
    assert_int_equal(after.len, 1);
    assert_true(exists_at(AT_FDCWD, mine));
    assert_false(exists_at(p->store.root_fd, ".tmp-x"));
    close(lock);
    assert_int_equal(store_collect_garbage(&p->store, NULL), 0);
    assert_false(exists_at(AT_FDCWD, mine));
}

static int claim_and_close(struct place *p, void *arg)
{
    /* The child's end must not take the parent's claims. */
    store_close(&p->store);
    return 0;
}

static void test_claims(void **state)
{
    struct place *p = *state;
    struct err err = {0};
    place_blob(p, place_digest('1'), "x");
    place_blob(p, place_digest('2'), "x");
    assert_int_equal(store_blob_claim(&p->store, place_digest('1'), &err), 0);
    assert_int_equal(store_blob_claim(&p->store, place_digest('3'), &err), -ENOENT);
    assert_int_equal(store_blob_claim(&p->store, "sha256:../../x", &err), -EINVAL);
    place_blob(p, place_digest('3'), "x");
    assert_int_equal(place_fork(claim_and_close, p, NULL), 0);
    assert_int_equal(store_collect_garbage(&p->store, NULL), 0);
    assert_true(place_has_blob(p, place_digest('1')));
    assert_false(place_has_blob(p, place_digest('2')));
    assert_true(place_has_blob(p, place_digest('3')));

    /* Another process's collection spares them too; closing gives them up. */
    struct store other;
    struct store_options o = {.root = p->root, .runroot = p->runroot};
    assert_int_equal(store_open(&o, &other, NULL), 0);
    assert_int_equal(store_collect_garbage(&other, NULL), 0);
    assert_true(place_has_blob(p, place_digest('1')));
    store_close(&p->store);
    assert_int_equal(store_collect_garbage(&other, NULL), 0);
    assert_false(place_has_blob(&(struct place){.store = other}, place_digest('1')));
    p->store = other;
}

static void test_tidy(void **state)
{
    struct place *p = *state;
    place_blob(p, place_digest('1'), "x");
    store_tidy(&p->store); /* nobody died: nothing is looked at */
    assert_true(place_has_blob(p, place_digest('1')));
    struct staging st;
    assert_int_equal(store_staging_make(&p->store, &st, NULL), 0);
    auto_free char *living = xasprintf("tmp/%s", st.name);
    store_tidy(&p->store);
    assert_true(place_has_blob(p, place_digest('1')));
    assert_int_equal(mkdirat(p->store.root_fd, "tmp/dead", 0700), 0);
    auto_close int busy = store_index_lock(&p->store, false, NULL);
    store_tidy(&p->store); /* another writer is at work: no waiting */
    assert_true(exists_at(p->store.root_fd, "tmp/dead"));
    close_fd(&busy);
    store_tidy(&p->store);
    assert_false(exists_at(p->store.root_fd, "tmp/dead"));
    assert_false(place_has_blob(p, place_digest('1')));
    assert_true(exists_at(p->store.root_fd, living));
    store_staging_done(&st);
}

static void test_abandon(void **state)
{
    struct place *p = *state;
    place_blob(p, place_digest('1'), "x");
    assert_int_equal(store_blob_claim(&p->store, place_digest('1'), NULL), 0);
    store_abandon(&p->store);
    assert_false(place_has_blob(p, place_digest('1')));
    auto_strv left = {0};
    list_dir_at(p->store.root_fd, "tmp", &left, NULL);
    assert_int_equal(left.len, 0);
}

static void test_publish(void **state)
{
    struct place *p = *state;
    struct staging st;
    assert_int_equal(store_staging_make(&p->store, &st, NULL), 0);
    assert_int_equal(file_write_at(st.fd, "blob", "12345", 5, 0600, 0, NULL), 0);
    assert_int_equal(store_blob_publish(&st, "blob", place_digest('a'), NULL), 0);
    assert_false(exists_at(st.fd, "blob"));
    /* One that is there stays; a truncated one is replaced. */
    assert_int_equal(file_write_at(st.fd, "blob", "54321", 5, 0600, 0, NULL), 0);
    assert_int_equal(store_blob_publish(&st, "blob", place_digest('a'), NULL), 0);
    assert_true(exists_at(st.fd, "blob"));
    place_blob(p, place_digest('a'), "12");
    assert_int_equal(store_blob_publish(&st, "blob", place_digest('a'), NULL), 0);
    auto_buf b = {0};
    struct blob_path path = store_blob_path(place_digest('a'));
    assert_int_equal(file_read_at(p->store.root_fd, path.s, 10, &b, NULL), 0);
    assert_string_equal(buf_str(&b), "54321");
    store_staging_done(&st);
    auto_strv left = {0};
    list_dir_at(p->store.root_fd, "tmp", &left, NULL);
    assert_int_equal(left.len, 1); /* the claims */
}

static void test_run_dir(void **state)
{
    struct place *p = *state;
    char id[ID_HEX_LEN + 1];
    id_random(id);
    auto_close int fd = store_container_run_dir(&p->store, id, NULL);
    assert_true(fd >= 0);
    assert_int_equal(mode_of(p->store.run_fd, id), 0700);
    assert_int_equal(mkdirat(fd, "sub", 0), 0);
    auto_close int again = store_container_run_dir(&p->store, id, NULL);
    assert_true(again >= 0);
    assert_int_equal(store_container_remove_run_dir(&p->store, id, NULL), 0);
    assert_false(exists_at(p->store.run_fd, id));
    assert_int_equal(store_container_remove_run_dir(&p->store, id, NULL), 0);
    assert_int_equal(store_container_run_dir(&p->store, "../x", NULL), -EINVAL);
    assert_int_equal(store_container_remove_run_dir(&p->store, "..", NULL), -EINVAL);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),  WITH_PLACE(test_open_again),
        WITH_PLACE(test_open_refused),  WITH_PLACE(test_defaults),
        WITH_PLACE(test_relative_root), WITH_PLACE(test_garbage),
        WITH_PLACE(test_claims),        WITH_PLACE(test_publish),
        WITH_PLACE(test_run_dir),       WITH_PLACE(test_tidy),
        WITH_PLACE(test_abandon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
