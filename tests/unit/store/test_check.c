/* SPDX-License-Identifier: Apache-2.0 */
/* store/check.h: what is found, what a repair does. The digests are made up, so nothing is hashed
 * here (`quick`); tests/cli/064-system.bats damages real ones. */
#include "base/alloc.h"
#include "base/file.h"
#include "place.h"
#include "store/check.h"
#include "store/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void remember(void *arg, const struct store_finding *f)
{
    struct strv *found = arg;
    strv_addf(found, "%s: %s", f->what, f->wrong);
}

static struct store_check_result check(struct place *p, bool repair, struct strv *found)
{
    struct store_check_options o = {
        .quick = true, .repair = repair, .found = remember, .arg = found};
    struct store_check_result result = {0};
    struct err err = {0};
    strv_clear(found);
    if (content_check(&p->store, &o, &result, &err) < 0)
        fail_msg("%s", err.message);
    return result;
}

/* Layers here are no tars, so their indexes are missing and cannot be made: no damage. */
static void make_images(struct place *p)
{
    place_image(p, 'a', 'b', "12", NULL, "docker.io/library/one:latest");
    place_image(p, 'c', 'd', "13", NULL, "docker.io/library/two:latest");
}

static void test_sound(void **state)
{
    struct place *p = *state;
    auto_strv found = {0};
    make_images(p);
    struct store_check_result r = check(p, false, &found);
    assert_int_equal(r.images, 2);
    assert_int_equal(r.damage, 0);
    assert_int_equal(r.left + r.lost, 0);
}

static bool is_listed(struct place *p, char manifest)
{
    auto_json json_t *index = NULL;
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    return store_index_has(index, place_digest(manifest));
}

static void unlink_blob(struct place *p, char c)
{
    struct blob_path path = store_blob_path(place_digest(c));
    assert_int_equal(unlinkat(p->store.root_fd, path.s, 0), 0);
}

/* An image that lost a part is given up, and only that one. */
static void test_missing_part(void **state)
{
    static const char parts[] = "3cd";
    struct place *p = *state;
    place_image(p, 'a', 'b', "12", NULL, "docker.io/library/one:latest");
    for (const char *part = parts; *part; part++) {
        auto_strv found = {0};
        place_image(p, 'c', 'd', "13", NULL, "docker.io/library/two:latest");
        unlink_blob(p, *part);
        assert_int_equal(check(p, false, &found).left, 1);
        assert_true(is_listed(p, 'c'));
        struct store_check_result r = check(p, true, &found);
        assert_int_equal(r.lost, 1);
        assert_int_equal(r.left, 0);
        assert_false(is_listed(p, 'c'));
        assert_true(is_listed(p, 'a'));
        assert_int_equal(check(p, false, &found).damage, 0);
        assert_false(place_has_blob(p, place_digest('3'))); /* garbage since */
        assert_true(place_has_blob(p, place_digest('1')));
    }
}

static void test_size(void **state)
{
    struct place *p = *state;
    auto_strv found = {0};
    make_images(p);
    place_blob(p, place_digest('1'), "longer than it was");
    assert_int_equal(check(p, false, &found).left, 2);
    assert_non_null(strstr(found.v[0], "bytes instead of 4"));
}

static void test_names(void **state)
{
    struct place *p = *state;
    auto_strv found = {0};
    auto_json json_t *index = NULL;
    make_images(p);
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    store_index_add(index, place_digest('a'), 0, "docker.io/library/two:latest"); /* twice */
    store_index_add(index, place_digest('a'), 0, "../evil");
    assert_int_equal(store_index_write(&p->store, index, NULL), 0);
    assert_int_equal(check(p, false, &found).damage, 2);
    assert_int_equal(check(p, true, &found).lost, 2);
    assert_int_equal(check(p, false, &found).damage, 0);
    struct store_image image;
    assert_int_equal(store_image_find(&p->store, "two", &image, NULL), -ENOENT);
    assert_int_equal(store_image_find(&p->store, "one", &image, NULL), 0);
    store_image_done(&image);
}

/* What a living writer has claimed is no garbage. */
static void test_claimed(void **state)
{
    struct place *p = *state;
    auto_strv found = {0};
    place_blob(p, place_digest('7'), "data");
    place_blob(p, place_digest('8'), "data");
    assert_int_equal(store_blob_claim(&p->store, place_digest('7'), NULL), 0);
    assert_int_equal(check(p, true, &found).garbage, 1);
    assert_true(place_has_blob(p, place_digest('7')));
    assert_false(place_has_blob(p, place_digest('8')));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_missing_part, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_size, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_names, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_claimed, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
