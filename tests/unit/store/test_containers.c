/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: names, life, races. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "place.h"
#include "store/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

/* "aaaa...a" for 'a', and so on. */
static const char *id_of(char c)
{
    return place_digest(c) + 7;
}

static int create(struct place *p, const char *id, const char *name, struct store_container *ret,
                  struct err *err)
{
    auto_json json_t *config = json_pack("{s:s?,s:s?}", "Id", id, "Name", name);
    auto_json json_t *state = json_pack("{s:s}", "Status", "created");
    return store_container_create(&p->store, config, state, NULL, ret, err);
}

static size_t count(struct place *p, const char *dir)
{
    auto_strv names = {0};
    assert_int_equal(list_dir_at(p->store.root_fd, dir, &names, NULL), 0);
    return names.len;
}

static void must_create(struct place *p, char c, const char *name)
{
    auto_done(store_container) struct store_container made = {.fd = -1};
    struct err err = {0};
    if (create(p, id_of(c), name, &made, &err) < 0)
        fail_msg("%s: %s", name, err.message);
}

static void test_create(void **state)
{
    struct place *p = *state;
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(create(p, id_of('a'), "box_1.x-y", &c, NULL), 0);
    assert_string_equal(c.id, id_of('a'));
    assert_string_equal(c.name, "box_1.x-y");
    assert_true(exists_at(c.fd, "upper"));
    assert_true(exists_at(c.fd, "work"));
    assert_true(exists_at(AT_FDCWD, c.path));
    auto_free char *link = NULL, *want = xasprintf("../containers/%s", c.id);
    assert_int_equal(read_link_at(p->store.root_fd, "names/box_1.x-y", &link, NULL), 0);
    assert_string_equal(link, want);
    assert_int_equal(count(p, "tmp"), 0);

    auto_json json_t *running = json_pack("{s:s}", "Status", "running");
    assert_int_equal(store_container_set_state(&c, running, NULL), 0);
    auto_done(store_container) struct store_container again = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "box_1.x-y", &again, NULL), 0);
    assert_string_equal(json_get_string(again.state, "Status", ""), "running");
    assert_int_equal(store_container_set_state(&c, json_object_get(c.config, "Id"), NULL), 0);
    assert_int_equal(store_container_reload(&again, NULL), 0);
    assert_true(json_is_object(again.state)); /* a state that is no object reads as {} */
}

/* Whoever made a container has its lock from the beginning, until the first use. */
static void test_maker_has_lock(void **state)
{
    struct place *p = *state;
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(create(p, id_of('a'), "box", &c, NULL), 0);
    auto_close int other = openat(c.fd, "lock", O_RDWR | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(lock_fd(other, true, false, NULL), -EWOULDBLOCK);
    int lock = store_container_lock(&c, NULL);
    assert_true(lock >= 0);
    assert_int_equal(lock_fd(other, true, false, NULL), -EWOULDBLOCK);
    close(lock);
    assert_int_equal(lock_fd(other, true, false, NULL), 0);
    store_container_let_go(&c); /* has it no more */
    close_fd(&other);
    lock = store_container_lock(&c, NULL);
    assert_true(lock >= 0);
    close(lock);
}

static void test_refused(void **state)
{
    struct place *p = *state;
    must_create(p, 'a', "box");
    auto_free char *longest = xcalloc(1, 300);
    memset(longest, 'n', 256);
    static const char *const bad_ids[] = {NULL, "", "abc", "../x"};
    const char *bad_names[] = {NULL, "", "a/b", "..", ".x", "-x", "a b", "\xc3\xa4", longest};
    auto_done(store_container) struct store_container c = {.fd = -1};
    struct err err = {0};
    for (size_t i = 0; i < sizeof(bad_ids) / sizeof(*bad_ids); i++)
        assert_int_equal(create(p, bad_ids[i], "fine", &c, &err), -EINVAL);
    for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++)
        assert_int_equal(create(p, id_of('b'), bad_names[i], &c, &err), -EINVAL);
    assert_int_equal(create(p, id_of('b'), "box", &c, &err), -EEXIST);
    assert_int_equal(err.kind, ERR_EXISTS);
    assert_non_null(strstr(err.message, id_of('a')));
    assert_true(create(p, id_of('a'), "box2", &c, &err) < 0); /* the id is taken */
    assert_int_equal(count(p, "containers"), 1);
    assert_int_equal(count(p, "names"), 1);
    assert_int_equal(count(p, "tmp"), 0);
}

static void test_find(void **state)
{
    struct place *p = *state;
    char ab[ID_HEX_LEN + 1];
    strcpy(ab, id_of('a'));
    ab[ID_HEX_LEN - 1] = 'b';
    must_create(p, 'a', "one");
    must_create(p, 'c', "two");
    must_create(p, 'd', "cc"); /* a name that is also the start of another's id */
    auto_done(store_container) struct store_container made = {.fd = -1};
    assert_int_equal(create(p, ab, "three", &made, NULL), 0);
    const struct {
        const char *name, *id; /* NULL: none; "": ambiguous */
    } cases[] = {
        {"one", id_of('a')},
        {"two", id_of('c')},
        {"c", id_of('c')},
        {"ccc", id_of('c')},
        {"cc", id_of('d')},
        {id_of('a'), id_of('a')},
        {ab, ab},
        {"a", ""},
        {"aaaa", ""},
        {"e", NULL},
        {"tw", NULL},
        {"", NULL},
        {"..", NULL},
        {"../names/one", NULL},
        {id_of('e'), NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(store_container) struct store_container c = {.fd = -1};
        struct err err = {0};
        int r = store_container_find(&p->store, cases[i].name, &c, &err);
        if (!cases[i].id) {
            auto_free char *want = xasprintf(
                "no container with name or ID \"%s\" found: no such container", cases[i].name);
            assert_int_equal(r, -ENOENT);
            assert_int_equal(err.kind, ERR_NOT_FOUND);
            assert_string_equal(err.message, want);
        } else if (!*cases[i].id) {
            assert_int_equal(r, -EINVAL);
            assert_non_null(strstr(err.message, "ambiguous"));
        } else {
            assert_int_equal(r, 0);
            assert_string_equal(c.id, cases[i].id);
        }
    }
}

static void test_list(void **state)
{
    struct place *p = *state;
    must_create(p, 'c', "first");
    must_create(p, 'a', "second");
    must_create(p, 'b', "third");
    /* Half removed, damaged, foreign: left out. */
    assert_int_equal(mkdirat(p->store.root_fd, "containers/stray", 0700), 0);
    auto_free char *half = xasprintf("containers/%s", id_of('d'));
    auto_free char *broken = xasprintf("containers/%s", id_of('e'));
    auto_free char *config = xasprintf("containers/%s/config.json", id_of('e'));
    assert_int_equal(mkdirat(p->store.root_fd, half, 0700), 0);
    assert_int_equal(mkdirat(p->store.root_fd, broken, 0700), 0);
    assert_int_equal(file_write_at(p->store.root_fd, config, "{", 1, 0600, 0, NULL), 0);

    struct store_container *list = NULL;
    size_t n = 0;
    assert_int_equal(store_container_list(&p->store, &list, &n, NULL), 0);
    assert_int_equal(n, 3);
    static const char *const names[] = {"first", "second", "third"};
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(list[i].name, names[i]);
        store_container_done(&list[i]);
    }
    free(list);
    auto_done(store_container) struct store_container c = {.fd = -1};
    struct err err = {0};
    assert_int_equal(store_container_find(&p->store, id_of('e'), &c, &err), -EINVAL);
    assert_non_null(strstr(err.message, "damaged"));
}

static void test_remove(void **state)
{
    struct place *p = *state;
    must_create(p, 'a', "box");
    auto_done(store_container) struct store_container c = {.fd = -1}, late = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "box", &c, NULL), 0);
    assert_int_equal(store_container_find(&p->store, "box", &late, NULL), 0);
    /* What a container may leave behind: closed directories, links, deep trees. */
    assert_int_equal(mkdirat(c.fd, "upper/closed", 0700), 0);
    assert_int_equal(mkdirat(c.fd, "upper/closed/x", 0), 0);
    assert_int_equal(symlinkat("/", c.fd, "upper/root"), 0);
    assert_int_equal(fchmodat(c.fd, "upper/closed", 0, 0), 0);
    int lock = store_container_lock(&c, NULL);
    assert_true(lock >= 0);
    assert_int_equal(store_container_remove(&p->store, &c, NULL), 0);
    close(lock);
    assert_int_equal(count(p, "containers"), 0);
    assert_int_equal(count(p, "names"), 0);
    assert_int_equal(count(p, "tmp"), 0);
    struct err err = {0};
    assert_int_equal(store_container_lock(&late, &err), -ENOENT);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(store_container_reload(&late, &err), -ENOENT);
    must_create(p, 'a', "box");
}

static void test_deep_tree(void **state)
{
    struct place *p = *state;
    must_create(p, 'a', "deep");
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "deep", &c, NULL), 0);
    auto_close int fd = open_dir_at(c.fd, "upper", NULL);
    struct rlimit limit, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 3000; i++) { /* more than there are descriptors, longer than PATH_MAX */
        assert_int_equal(mkdirat(fd, "dd", 0700), 0);
        assert_int_equal(mkdirat(fd, "sibling", 0), 0);
        int next = open_dir_at(fd, "dd", NULL);
        close(fd);
        fd = next;
    }
    struct err err = {0};
    if (store_container_remove(&p->store, &c, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(count(p, "tmp"), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_stale_name(void **state)
{
    struct place *p = *state;
    auto_free char *target = xasprintf("../containers/%s", id_of('f'));
    assert_int_equal(symlinkat(target, p->store.root_fd, "names/box"), 0);
    assert_int_equal(symlinkat("/etc", p->store.root_fd, "names/odd"), 0);
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "box", &c, NULL), -ENOENT);
    must_create(p, 'a', "box");
    must_create(p, 'b', "odd");
    /* A container that lost its name to another removes only itself. */
    assert_int_equal(store_container_find(&p->store, "b", &c, NULL), 0);
    assert_int_equal(unlinkat(p->store.root_fd, "names/odd", 0), 0);
    must_create(p, 'c', "odd");
    assert_int_equal(store_container_remove(&p->store, &c, NULL), 0);
    auto_done(store_container) struct store_container holder = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "odd", &holder, NULL), 0);
    assert_string_equal(holder.id, id_of('c'));
}

static void test_one_winner(void **state)
{
    struct place *p = *state;
    enum { N = 20 };
    for (int i = 0; i < N; i++) {
        if (fork() == 0) {
            char id[ID_HEX_LEN + 1];
            struct store_container c;
            struct err err = {0};
            id_random(id);
            int r = create(p, id, "wanted", &c, &err);
            _exit(r == 0 ? 0 : err.kind == ERR_EXISTS ? 1 : 2);
        }
    }
    int results[3] = {0};
    for (int i = 0; i < N; i++) {
        int status;
        assert_true(wait(&status) > 0);
        results[WEXITSTATUS(status)]++;
    }
    assert_int_equal(results[0], 1);
    assert_int_equal(results[1], N - 1);
    assert_int_equal(count(p, "containers"), 1);
    assert_int_equal(count(p, "tmp"), 0);
}

static void test_lock_excludes(void **state)
{
    struct place *p = *state;
    must_create(p, 'a', "box");
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(store_container_find(&p->store, "box", &c, NULL), 0);
    int told[2], go[2];
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char x;
        close(go[1]);
        int lock = store_container_lock(&c, NULL);
        if (lock < 0 || write(told[1], "x", 1) != 1 || read(go[0], &x, 1) != 0)
            _exit(1);
        int r = file_write_at(c.fd, "mark", "", 0, 0600, 0, NULL);
        _exit(r < 0);
    }
    char x;
    assert_int_equal(read(told[0], &x, 1), 1);
    close(go[1]);
    auto_close int lock = store_container_lock(&c, NULL);
    assert_true(lock >= 0);
    assert_true(exists_at(c.fd, "mark")); /* so the child had ended */
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(told[0]);
    close(told[1]);
    close(go[0]);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(test_create),        WITH_PLACE(test_refused),
        WITH_PLACE(test_find),          WITH_PLACE(test_list),
        WITH_PLACE(test_remove),        WITH_PLACE(test_deep_tree),
        WITH_PLACE(test_stale_name),    WITH_PLACE(test_one_winner),
        WITH_PLACE(test_lock_excludes), WITH_PLACE(test_maker_has_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
