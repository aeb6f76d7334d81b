/* SPDX-License-Identifier: Apache-2.0 */
/* Images: find, list, name, remove. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "place.h"
#include "spec/digest.h"
#include "store/internal.h"
#include "store/origins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HELLO "docker.io/library/hello:latest"
#define LOCAL "localhost/mine:latest"

static void three_images(struct place *p)
{
    place_image(p, 'a', '1', "5", "2026-01-01T00:00:00Z", HELLO);
    place_image(p, 'b', '2', "56", "2026-03-01T00:00:00Z", LOCAL);
    place_image(p, 'c', '3', "57", "2026-02-01T00:00:00Z", NULL);
    place_image(p, 'a', '1', "5", "2026-01-01T00:00:00Z", "q.io/x/abc:v1");
    place_image(p, 'b', '2', "56", "2026-03-01T00:00:00Z", "docker.io/library/abc:latest");
}

static void test_find(void **state)
{
    struct place *p = *state;
    three_images(p);
    auto_free char *by_digest = xasprintf("hello@%s", place_digest('a'));
    auto_free char *by_both = xasprintf("q.io/x/abc:gone@%s", place_digest('a'));
    auto_free char *wrong_repo = xasprintf("other@%s", place_digest('a'));
    auto_free char *id = xstrdup(place_digest('3'));
    const struct {
        const char *name;
        char manifest; /* 0: not known */
    } cases[] = {
        {"hello", 'a'},
        {"hello:latest", 'a'},
        {"docker.io/hello", 'a'},
        {HELLO, 'a'},
        {"mine", 'b'},
        {"localhost/mine", 'b'},
        {"q.io/x/abc:v1", 'a'},
        {"abc", 'b'}, /* a name wins over an id */
        {"1", 'a'},
        {"sha256:22", 'b'},
        {"333333333333", 'c'},
        {digest_hex(id), 'c'},
        {id, 'c'},
        {by_digest, 'a'},
        {by_both, 'a'},
        {wrong_repo, 0},
        {"hello:1", 0},
        {"4", 0},
        {"q.io/x/abc", 0},
        {"Hello", 0},
        {"", 0},
        {"../../index.json", 0},
        {"sha256:", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(store_image) struct store_image img = {0};
        struct err err = {0};
        int r = store_image_find(&p->store, cases[i].name, &img, &err);
        if (!cases[i].manifest) {
            auto_free char *want = xasprintf("%s: image not known", cases[i].name);
            assert_int_equal(r, -ENOENT);
            assert_int_equal(err.kind, ERR_NOT_FOUND);
            assert_string_equal(err.message, want);
            continue;
        }
        if (r < 0)
            fail_msg("%s: %s", cases[i].name, err.message);
        assert_string_equal(img.digest, place_digest(cases[i].manifest));
    }
}

static void test_ambiguous(void **state)
{
    struct place *p = *state;
    place_image(p, 'a', '1', "5", NULL, NULL);
    /* The same configuration under another manifest is the same image. */
    place_image(p, 'b', '1', "5", NULL, NULL);
    auto_done(store_image) struct store_image img = {0};
    assert_int_equal(store_image_find(&p->store, "1", &img, NULL), 0);

    auto_json json_t *m = NULL;
    assert_int_equal(store_read_blob_json(&p->store, place_digest('b'), &m, NULL), 0);
    auto_free char *other = xstrdup(place_digest('1'));
    other[DIGEST_LEN - 1] = '2';
    json_object_set_new(json_object_get(m, "config"), "digest", json_string(other));
    auto_free char *text = json_text(m);
    place_blob(p, place_digest('b'), text);
    struct err err = {0};
    assert_int_equal(store_image_find(&p->store, "1", &img, &err), -EINVAL);
    assert_non_null(strstr(err.message, "ambiguous"));
}

static void free_list(struct store_image *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_image_done(&list[i]);
    free(list);
}

static void test_list(void **state)
{
    struct place *p = *state;
    struct store_image *list = NULL;
    size_t n = 7;
    assert_int_equal(store_image_list(&p->store, &list, &n, NULL), 0);
    assert_int_equal(n, 0);
    free_list(list, n);
    three_images(p);
    place_image(p, 'd', '4', "5", NULL, "q.io/damaged:x");
    place_blob(p, place_digest('4'), "{");
    assert_int_equal(store_image_list(&p->store, &list, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].digest, place_digest('b'));
    assert_string_equal(list[1].digest, place_digest('c'));
    assert_string_equal(list[2].digest, place_digest('a'));
    assert_int_equal(list[0].names.len, 2);
    assert_int_equal(list[1].names.len, 0);
    assert_int_equal(list[0].layers.len, 2);
    assert_true(list[0].size == 8);
    assert_true(list[0].created == 1772323200);
    assert_string_equal(list[0].id, digest_hex(place_digest('2')));
    free_list(list, n);

    auto_done(store_image) struct store_image img = {0};
    struct err err = {0};
    assert_true(store_image_find(&p->store, "q.io/damaged:x", &img, &err) < 0);
    assert_non_null(strstr(err.message, "damaged"));
}

static void test_config(void **state)
{
    struct place *p = *state;
    three_images(p);
    auto_done(store_image) struct store_image img = {0};
    assert_int_equal(store_image_find(&p->store, "mine", &img, NULL), 0);
    auto_done(image_config) struct image_config config = {0};
    auto_json json_t *json = NULL;
    assert_int_equal(store_image_config(&p->store, &img, &config, &json, NULL), 0);
    assert_string_equal(config.created, "2026-03-01T00:00:00Z");
    assert_string_equal(json_get_string(json, "created", ""), config.created);
}

static char *names_of(struct place *p, char manifest)
{
    auto_json json_t *index = NULL;
    auto_strv names = {0}, origins = {0};
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    if (!store_index_has(index, place_digest(manifest)))
        return xstrdup("not listed");
    store_index_names(index, place_digest(manifest), &names, &origins);
    assert_int_equal(names.len, origins.len);
    return strv_join(&names, " ");
}

#define assert_names(p, manifest, want)                                                            \
    do {                                                                                           \
        auto_free char *names_ = names_of(p, manifest);                                            \
        assert_string_equal(names_, want);                                                         \
    } while (0)

static void test_tag(void **state)
{
    struct place *p = *state;
    place_image(p, 'a', '1', "5", NULL, HELLO);
    place_image(p, 'b', '2', "6", NULL, NULL);
    auto_done(store_image) struct store_image a = {0}, b = {0};
    assert_int_equal(store_image_find(&p->store, "1", &a, NULL), 0);
    assert_int_equal(store_image_find(&p->store, "2", &b, NULL), 0);

    assert_int_equal(store_image_tag(&p->store, &a, "q.io/x:1", NULL), 0);
    assert_names(p, 'a', HELLO " q.io/x:1");
    assert_int_equal(store_image_tag(&p->store, &a, "q.io/x:1", NULL), 0);
    assert_names(p, 'a', HELLO " q.io/x:1");
    /* The dangling one takes both names, one after the other. */
    assert_int_equal(store_image_tag(&p->store, &b, HELLO, NULL), 0);
    assert_names(p, 'a', "q.io/x:1");
    assert_names(p, 'b', HELLO);
    assert_int_equal(store_image_tag(&p->store, &b, "q.io/x:1", NULL), 0);
    assert_names(p, 'a', "");
    assert_names(p, 'b', HELLO " q.io/x:1");
    auto_json json_t *index = NULL;
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    assert_int_equal(json_array_size(store_index_entries(index)), 3);

    struct err err = {0};
    assert_int_equal(store_image_untag(&p->store, &a, HELLO, &err), -ENOENT);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(store_image_untag(&p->store, &b, HELLO, NULL), 0);
    assert_names(p, 'b', "q.io/x:1");
    assert_int_equal(store_image_untag(&p->store, &b, "q.io/x:1", NULL), 0);
    assert_names(p, 'b', "");
    assert_int_equal(store_image_tag(&p->store, &b, "hello", &err), -EINVAL);
    assert_int_equal(err.kind, ERR_USAGE);
}

static int needed(void *arg, struct err *err)
{
    ++*(int *)arg;
    return err_kind(err, ERR_IN_USE, -EBUSY, "needed");
}

/* Of a removal and the making of a container one is refused. */
static void test_remove_in_use(void **state)
{
    struct place *p = *state;
    three_images(p);
    auto_done(store_image) struct store_image b = {0};
    struct err err = {0};
    int asked = 0;
    assert_int_equal(store_image_find(&p->store, "mine", &b, NULL), 0);
    assert_int_equal(store_image_remove(&p->store, &b, needed, &asked, &err), -EBUSY);
    assert_int_equal(err.kind, ERR_IN_USE);
    assert_int_equal(asked, 1);
    assert_true(place_has_blob(p, place_digest('b')));
    assert_true(place_has_blob(p, place_digest('6')));

    auto_free char *id = xasprintf("%064x", 1);
    auto_json json_t *config = json_pack("{s:s, s:s}", "Id", id, "Name", "box");
    auto_json json_t *state_json = json_object();
    auto_done(store_container) struct store_container c = {.fd = -1};
    assert_int_equal(store_image_remove(&p->store, &b, NULL, NULL, NULL), 0);
    assert_int_equal(store_container_create(&p->store, config, state_json, &b, &c, &err), -ENOENT);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(store_container_find(&p->store, "box", &c, NULL), -ENOENT);
    auto_strv left = {0};
    assert_int_equal(list_dir_at(p->store.root_fd, "tmp", &left, NULL), 0);
    assert_int_equal(left.len, 0);
    json_decref(config);
    config = json_pack("{s:s, s:s}", "Id", id, "Name", "box");
    auto_done(store_image) struct store_image a = {0};
    assert_int_equal(store_image_find(&p->store, "1", &a, NULL), 0);
    assert_int_equal(store_container_create(&p->store, config, state_json, &a, &c, NULL), 0);
}

static void test_remove(void **state)
{
    struct place *p = *state;
    three_images(p);
    auto_done(store_image) struct store_image b = {0}, c = {0};
    assert_int_equal(store_image_find(&p->store, "mine", &b, NULL), 0);
    assert_int_equal(store_image_find(&p->store, "3", &c, NULL), 0);
    struct blob_path index6 = store_index_path(place_digest('6'));
    file_write_at(p->store.root_fd, index6.s, "x", 1, 0600, 0, NULL);

    assert_int_equal(store_image_remove(&p->store, &b, NULL, NULL, NULL), 0);
    assert_names(p, 'b', "not listed");
    static const char gone[] = "b26", stay[] = "ac1357";
    for (const char *x = gone; *x; x++)
        assert_false(place_has_blob(p, place_digest(*x)));
    for (const char *x = stay; *x; x++)
        assert_true(place_has_blob(p, place_digest(*x)));
    assert_false(exists_at(p->store.root_fd, index6.s));
    struct err err = {0};
    assert_int_equal(store_image_remove(&p->store, &b, NULL, NULL, &err), -ENOENT);

    /* A writer is about to use layer 7 again. */
    assert_int_equal(store_blob_claim(&p->store, place_digest('7'), NULL), 0);
    assert_int_equal(store_image_remove(&p->store, &c, NULL, NULL, NULL), 0);
    assert_true(place_has_blob(p, place_digest('7')));
    assert_true(place_has_blob(p, place_digest('5')));
    assert_false(place_has_blob(p, place_digest('3')));
    assert_int_equal(store_collect_garbage(&p->store, NULL), 0);
    assert_true(place_has_blob(p, place_digest('7')));
    store_claims_drop(&p->store);
    assert_int_equal(store_collect_garbage(&p->store, NULL), 0);
    assert_false(place_has_blob(p, place_digest('7')));
    assert_true(place_has_blob(p, place_digest('5')));
}

static void test_damaged_index(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"manifests\":{}}",
        "{\"manifests\":[1]}",
        "{\"manifests\":[{\"digest\":\"sha256:../x\",\"size\":1}]}",
        "{\"manifests\":[{\"digest\":\"sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000\"}]}",
    };
    struct place *p = *state;
    place_blob(p, place_digest('1'), "precious");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct store_image *list = NULL;
        size_t n;
        struct err err = {0};
        assert_int_equal(
            file_write_at(p->store.root_fd, "index.json", bad[i], strlen(bad[i]), 0600, 0, NULL),
            0);
        if (store_image_list(&p->store, &list, &n, &err) >= 0)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.message, "index.json"));
        /* Nothing is swept away on the word of a damaged index. */
        assert_true(store_collect_garbage(&p->store, NULL) < 0);
        assert_true(place_has_blob(p, place_digest('1')));
    }
}

static void test_layer(void **state)
{
    struct place *p = *state;
    three_images(p);
    auto_done(layer_files) struct layer_files files = {0};
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &files, NULL), 0);
    auto_free char *want = xasprintf("%s/blobs/sha256/%s", p->root, digest_hex(place_digest('5')));
    assert_string_equal(files.tar, want);
    int64_t size = 0;
    assert_int_equal(store_layer_size(&p->store, place_digest('5'), &size, NULL), 0);
    assert_true(size == 4);
    assert_int_equal(store_layer_size(&p->store, place_digest('9'), &size, NULL), -ENOENT);
    assert_int_equal(store_layer_size(&p->store, "../../etc/passwd", &size, NULL), -EINVAL);
}

/* What is noted of an index is believed as long as the file is the same. */
static void test_checked_index(void **state)
{
    struct place *p = *state;
    three_images(p);
    struct layer_files f = {0};
    auto_free char *index = xasprintf("index/%s", digest_hex(place_digest('5')));
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &f, NULL), 0);
    assert_string_equal(f.seen, "");
    layer_files_done(&f);

    file_write_at(p->store.root_fd, index, "good", 4, 0600, 0, NULL);
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &f, NULL), 0);
    assert_false(f.checked);
    store_layer_note_checked(&p->store, place_digest('5'), &f); /* too fresh to be told apart */
    layer_files_done(&f);
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &f, NULL), 0);
    assert_false(f.checked);
    f.changed -= 10;
    store_layer_note_checked(&p->store, place_digest('5'), &f);
    layer_files_done(&f);
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &f, NULL), 0);
    assert_true(f.checked);
    layer_files_done(&f);

    /* The same bytes in another file, with the same times: still another file. */
    assert_int_equal(renameat(p->store.root_fd, index, p->store.root_fd, "index/old"), 0);
    file_write_at(p->store.root_fd, index, "evil", 4, 0600, 0, NULL);
    assert_int_equal(store_layer_files(&p->store, place_digest('5'), &f, NULL), 0);
    assert_false(f.checked);
    layer_files_done(&f);
}

static void set_origin(struct place *p, const char *name, const char *origin)
{
    auto_json json_t *index = NULL;
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    store_index_set_origin(index, name, origin);
    assert_int_equal(store_index_write(&p->store, index, NULL), 0);
}

static void expect_origins(struct place *p, const char *name, const char *want)
{
    auto_done(store_image) struct store_image img = {0};
    assert_int_equal(store_image_find(&p->store, name, &img, NULL), 0);
    auto_free char *got = strv_join(&img.origins, "|");
    assert_string_equal(got, want);
}

/* What a registry calls the image is found by, belongs to that name alone, and goes with it. */
static void test_origin(void **state)
{
    struct place *p = *state;
    auto_free char *a = xstrdup(place_digest('a')), *d = xstrdup(place_digest('d')),
                   *both = xasprintf("%s %s", place_digest('e'), d),
                   *by_origin = xasprintf("hello@%s", d),
                   *elsewhere = xasprintf("q.io/hello@%s", d),
                   *joined = xasprintf("%s|%s", both, a);
    place_image(p, 'a', '1', "5", NULL, HELLO);
    set_origin(p, HELLO, both);
    auto_done(store_image) struct store_image img = {0}, other = {0};
    assert_int_equal(store_image_find(&p->store, by_origin, &img, NULL), 0);
    assert_string_equal(img.digest, a);
    assert_int_equal(store_image_tag(&p->store, &img, "q.io/hello:latest", NULL), 0);
    expect_origins(p, "hello", joined);
    assert_int_equal(store_image_find(&p->store, elsewhere, &other, NULL), -ENOENT);
    assert_int_equal(store_image_untag(&p->store, &img, HELLO, NULL), 0);
    assert_int_equal(store_image_untag(&p->store, &img, "q.io/hello:latest", NULL), 0);
    assert_int_equal(store_image_tag(&p->store, &img, HELLO, NULL), 0);
    expect_origins(p, "hello", a);
    static const char *const bad[] = {"", "sha256:1", "x", " "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        set_origin(p, HELLO, bad[i]);
        expect_origins(p, "hello", a);
    }
}

static void test_layer_origins(void **state)
{
    struct place *p = *state;
    auto_free char *layer = xstrdup(place_digest('5')), *blob = xstrdup(place_digest('b'));
    struct descriptor d = {.media_type = (char *)MEDIA_OCI_LAYER, .digest = blob, .size = 7};
    auto_done(store_origins) struct store_origins o = {0}, gone = {0};
    place_image(p, 'a', '1', "5", NULL, HELLO);
    store_origins_read(&p->store, layer, &o);
    assert_int_equal(o.n, 0);
    store_origins_done(&o);
    store_origins_add(&p->store, layer, &d, false, "evil.example/a"); /* unseen: not kept */
    store_origins_read(&p->store, layer, &o);
    assert_int_equal(o.n, 0);
    store_origins_done(&o);
    store_origins_add(&p->store, layer, &d, true, "docker.io/library/a");
    store_origins_add(&p->store, layer, &d, false, "docker.io/library/a");
    store_origins_add(&p->store, layer, &d, false, "q.io/b");
    store_origins_read(&p->store, layer, &o);
    assert_int_equal(o.n, 1);
    assert_string_equal(o.blobs[0].digest, blob);
    assert_int_equal(o.blobs[0].size, 7);
    assert_int_equal(o.blobs[0].repositories.len, 2);
    auto_done(store_image) struct store_image img = {0};
    assert_int_equal(store_image_find(&p->store, "hello", &img, NULL), 0);
    assert_int_equal(store_image_remove(&p->store, &img, NULL, NULL, NULL), 0);
    store_origins_read(&p->store, layer, &gone);
    assert_int_equal(gone.n, 0);
}

static int fetch_and_stay(struct place *p, void *arg)
{
    int *pipe_fds = arg;
    struct store_fetch f;
    if (store_fetch_begin(&p->store, place_digest('5'), NULL, NULL, &f, NULL) < 0)
        return 1;
    if (write(pipe_fds[1], "x", 1) != 1)
        return 1;
    usleep(100000);
    place_blob(p, place_digest('5'), "layer");
    store_fetch_done(&f);
    return 0;
}

static void count_wait(void *arg)
{
    ++*(int *)arg;
}

/* The second one waits, says so, and finds the layer there. */
static void test_fetch(void **state)
{
    struct place *p = *state;
    int fds[2], waits = 0, status;
    char c;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fetch_and_stay(p, fds));
    assert_int_equal(read(fds[0], &c, 1), 1);
    struct store_fetch f;
    assert_int_equal(store_fetch_begin(&p->store, place_digest('5'), count_wait, &waits, &f, NULL),
                     0);
    assert_int_equal(waits, 1);
    assert_true(place_has_blob(p, place_digest('5')));
    store_fetch_done(&f);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    auto_strv left = {0};
    assert_int_equal(list_dir_at(p->store.root_fd, TMP_DIR, &left, NULL), 0);
    assert_int_equal(left.len, 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(test_find),          WITH_PLACE(test_ambiguous),
        WITH_PLACE(test_list),          WITH_PLACE(test_config),
        WITH_PLACE(test_tag),           WITH_PLACE(test_remove),
        WITH_PLACE(test_damaged_index), WITH_PLACE(test_remove_in_use),
        WITH_PLACE(test_layer),         WITH_PLACE(test_checked_index),
        WITH_PLACE(test_origin),        WITH_PLACE(test_layer_origins),
        WITH_PLACE(test_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
