/* SPDX-License-Identifier: Apache-2.0 */
/* Layers in pieces, in every compression, whole and damaged; and out again. */
#include "base/alloc.h"
#include "base/file.h"
#include "place.h"
#include "spec/hash.h"
#include "store/compress.h"
#include "store/content.h"
#include "store/internal.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#include <bzlib.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include <cmocka.h>

/* A tar of a few files whose data does not compress to nothing, `size` bytes of it. */
static void make_tar(size_t size, struct buf *ret)
{
    auto_free char *data = xcalloc(1, size + 1);
    unsigned x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1103515245 + 12345;
        data[i] = (char)('a' + (x >> 16) % 23);
    }
    struct tar_entry entries[] = {
        {.mode = S_IFDIR | 0755, .path = "d"},
        {.mode = S_IFREG | 0644, .path = "d/data", .data = data, .len = size},
        {.mode = S_IFREG | 0644, .path = "hello", .data = "hello"},
    };
    struct err err = {0};
    assert_int_equal(tar_make(entries, 3, ret, &err), 0);
}

enum how { PLAIN, GZIP, ZSTD, XZ, BZIP2 };
static const char *const how_names[] = {"plain", "gzip", "zstd", "xz", "bzip2"};

/* One member, frame or stream; appended. */
static void squeeze(enum how how, const void *data, size_t len, struct buf *ret)
{
    size_t room = len + len / 8 + 4096, n = 0;
    auto_free char *out = xcalloc(1, room);
    if (how == PLAIN) {
        memcpy(out, data, n = len);
    } else if (how == GZIP) {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        n = libdeflate_gzip_compress(c, data, len, out, room);
        libdeflate_free_compressor(c);
    } else if (how == ZSTD) {
        n = ZSTD_compress(out, room, data, len, 1);
    } else if (how == XZ) {
        assert_int_equal(
            lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, data, len, (uint8_t *)out, &n, room),
            LZMA_OK);
    } else {
        unsigned got = (unsigned)room;
        assert_int_equal(BZ2_bzBuffToBuffCompress(out, &got, (char *)data, (unsigned)len, 1, 0, 0),
                         BZ_OK);
        n = got;
    }
    assert_true(n > 0);
    buf_add(ret, out, n);
}

/* Gives the bytes to a sink, `step` at a time. */
static int feed(struct place *p, const struct content_expect *e, const struct buf *b, size_t step,
                struct content_layer *ret, struct err *err)
{
    auto_content_sink k = NULL;
    int r = content_sink_open(&p->store, e, &k, err);
    for (size_t at = 0; r == 0 && at < b->len; at += step)
        r = content_sink_add(k, b->data + at, b->len - at < step ? b->len - at : step, err);
    return r < 0 ? r : content_sink_publish(k, ret, err);
}

static bool empty_dir(struct place *p, const char *path)
{
    auto_strv names = {0};
    assert_int_equal(list_dir_at(p->store.root_fd, path, &names, NULL), 0);
    return names.len == 0;
}

/* Nothing is visible, nothing is left. */
static void assert_nothing(struct place *p)
{
    assert_true(empty_dir(p, BLOBS_DIR));
    assert_true(empty_dir(p, INDEX_DIR));
    assert_true(empty_dir(p, TMP_DIR));
}

static void assert_layer(struct place *p, const struct content_layer *layer, const struct buf *tar)
{
    char digest[72];
    auto_buf is = {0};
    assert_int_equal(digest_of(tar->data, tar->len, digest, NULL), 0);
    assert_string_equal(layer->diff_id, digest);
    assert_int_equal(layer->size, tar->len);
    struct blob_path blob = store_blob_path(digest), index = store_index_path(digest);
    assert_int_equal(file_read_at(p->store.root_fd, blob.s, 1 << 30, &is, NULL), 0);
    assert_int_equal(is.len, tar->len);
    assert_memory_equal(is.data, tar->data, tar->len);
    assert_true(exists_at(p->store.root_fd, index.s));
}

static void test_all_compressions(void **state)
{
    static const size_t sizes[] = {0, 1000, 700 * 1024};
    static const size_t steps[] = {1, 4093, 1 << 20};
    for (int how = PLAIN; how <= BZIP2; how++)
        for (size_t i = 0; i < 9; i++) {
            size_t size = sizes[i / 3], step = steps[i % 3];
            auto_buf tar = {0}, packed = {0};
            struct err err = {0};
            char digest[72];
            struct content_layer layer = {0};
            make_tar(size, &tar);
            squeeze((enum how)how, tar.data, tar.len, &packed);
            assert_int_equal(digest_of(packed.data, packed.len, digest, NULL), 0);
            struct content_expect e = {.digest = digest, .size = (int64_t)packed.len};
            if (feed(*state, &e, &packed, step, &layer, &err) < 0)
                fail_msg("%s, %zu bytes by %zu: %s", how_names[how], size, step, err.message);
            assert_layer(*state, &layer, &tar);
            free(layer.diff_id);
        }
}

/* As parallel compressors write it, at all places where a unit may be cut by a piece. */
static void test_several_units(void **state)
{
    static const size_t steps[] = {1, 7, 65536};
    auto_buf tar = {0};
    make_tar(90000, &tar);
    for (int how = GZIP; how <= BZIP2; how++)
        for (size_t i = 0; i < 3; i++) {
            auto_buf packed = {0};
            struct err err = {0};
            struct content_layer layer = {0};
            for (size_t at = 0; at < tar.len; at += 20000)
                squeeze((enum how)how, tar.data + at, tar.len - at < 20000 ? tar.len - at : 20000,
                        &packed);
            if (feed(*state, NULL, &packed, steps[i], &layer, &err) < 0)
                fail_msg("%s by %zu: %s", how_names[how], steps[i], err.message);
            assert_layer(*state, &layer, &tar);
            free(layer.diff_id);
        }
}

/* zstd:chunked has its table of contents in skippable frames. */
static void test_skippable_frames(void **state)
{
    static const char skip[] = "\x5e\x2a\x4d\x18\x05\0\0\0hello";
    auto_buf tar = {0};
    make_tar(30000, &tar);
    for (size_t step = 1; step < 100000; step *= 13) {
        auto_buf packed = {0};
        struct err err = {0};
        struct content_layer layer = {0};
        buf_add(&packed, skip, sizeof(skip) - 1);
        squeeze(ZSTD, tar.data, 12345, &packed);
        buf_add(&packed, skip, sizeof(skip) - 1);
        squeeze(ZSTD, tar.data + 12345, tar.len - 12345, &packed);
        buf_add(&packed, skip, sizeof(skip) - 1);
        if (feed(*state, NULL, &packed, step, &layer, &err) < 0)
            fail_msg("by %zu: %s", step, err.message);
        assert_layer(*state, &layer, &tar);
        free(layer.diff_id);
    }
}

/* Nothing is visible whatever byte is missing or in excess. */
static void test_cut_and_garbage(void **state)
{
    auto_buf tar = {0};
    make_tar(3000, &tar);
    for (int how = GZIP; how <= BZIP2; how++) {
        auto_buf packed = {0};
        squeeze((enum how)how, tar.data, tar.len, &packed);
        for (size_t cut = 0; cut < packed.len; cut += cut < 40 || packed.len - cut < 40 ? 1 : 97) {
            struct buf b = {.data = packed.data, .len = cut};
            struct err err = {0};
            if (feed(*state, NULL, &b, 64, NULL, &err) >= 0)
                fail_msg("%s of %zu bytes was taken", how_names[how], cut);
            assert_true(*err.message);
        }
        static const char *const tails[] = {"x", "garbage behind the end", "\0\0\0\0", "\x1f"};
        for (size_t i = 0; i < 4; i++) {
            auto_buf b = {0};
            struct err err = {0};
            buf_add(&b, packed.data, packed.len);
            buf_add(&b, tails[i], i == 2 ? 4 : strlen(tails[i]));
            if (feed(*state, NULL, &b, 64, NULL, &err) >= 0)
                fail_msg("%s with a tail %zu was taken", how_names[how], i);
        }
    }
    assert_nothing(*state);
}

/* A flipped bit anywhere is noticed by the format's own checksum or by the tar's. */
static void test_flipped(void **state)
{
    auto_buf tar = {0}, packed = {0};
    make_tar(3000, &tar);
    squeeze(GZIP, tar.data, tar.len, &packed);
    char digest[72];
    assert_int_equal(digest_of(packed.data, packed.len, digest, NULL), 0);
    struct content_expect e = {.digest = digest, .size = (int64_t)packed.len};
    for (size_t i = 0; i < packed.len; i += 5) {
        struct err err = {0};
        packed.data[i] ^= 0x10;
        assert_true(feed(*state, &e, &packed, 512, NULL, &err) < 0);
        packed.data[i] ^= 0x10;
    }
    assert_nothing(*state);
}

static void assert_refused(struct place *p, const struct content_expect *e, const struct buf *b,
                           const char *words)
{
    struct err err = {0};
    struct content_layer layer = {0};
    assert_true(feed(p, e, b, 1000, &layer, &err) < 0);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
    assert_null(layer.diff_id);
    assert_nothing(p);
}

static void test_expectations(void **state)
{
    auto_buf tar = {0}, packed = {0};
    make_tar(5000, &tar);
    squeeze(ZSTD, tar.data, tar.len, &packed);
    int64_t size = (int64_t)packed.len, plain = (int64_t)tar.len;
    const char *other = place_digest('0');
    const struct content_expect digest = {.digest = other, .size = size},
                                diff_id = {.diff_id = other, .size = -1},
                                larger = {.size = size + 1}, smaller = {.size = size - 1},
                                plain_digest = {.digest = other, .size = plain},
                                plain_diff = {.diff_id = other, .size = -1},
                                invalid = {.digest = "sha256:../../x", .size = -1};
    assert_refused(*state, &digest, &packed, "digest is sha256:");
    assert_refused(*state, &diff_id, &packed, "diff id is sha256:");
    assert_refused(*state, &larger, &packed, "ends after");
    assert_refused(*state, &smaller, &packed, "larger than");
    assert_refused(*state, &plain_digest, &tar, "digest is sha256:");
    assert_refused(*state, &plain_diff, &tar, "diff id is sha256:");
    assert_refused(*state, &invalid, &tar, "not a valid");
}

static void test_no_tar(void **state)
{
    static const char *const texts[] = {"", "x", "\x1f", "\x1f\x8b", "BZh", "no tar at all"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct buf b = {.data = (char *)texts[i], .len = strlen(texts[i])};
        assert_refused(*state, NULL, &b, i == 0 || i == 1 || i == 5 ? "not a tar" : "");
    }
    /* Compressed twice: each round would multiply what a small file can grow to. */
    auto_buf tar = {0}, once = {0}, twice = {0}, text = {0};
    make_tar(5000, &tar);
    squeeze(GZIP, tar.data, tar.len, &once);
    squeeze(GZIP, once.data, once.len, &twice);
    assert_refused(*state, NULL, &twice, "not a tar");
    while (text.len < 3 << 20)
        buf_add_str(&text, "this is no tar either, and long enough to fill the ring twice. ");
    assert_refused(*state, NULL, &text, "not a tar");
}

/* Errors that the other thread finds, early and late. */
static void test_bad_tar(void **state)
{
    auto_buf tar = {0}, late = {0};
    tar_header(&tar, "../escape", '0', 0, "");
    buf_reserve(&tar, 1024);
    memset(tar.data + tar.len, 0, 1024);
    tar.len += 1024;
    assert_refused(*state, NULL, &tar, "\"..\"");
    make_tar(4 << 20, &late);
    buf_truncate(&late, late.len - 300000); /* in the middle of the data */
    assert_refused(*state, NULL, &late, "Truncated tar");
}

static void test_growth(void **state)
{
    auto_buf tar = {0}, packed = {0};
    make_tar(3 << 20, &tar);
    squeeze(GZIP, tar.data, tar.len, &packed);
    setenv("WHERRY_LAYER_MAX", "1000000", 1);
    assert_refused(*state, NULL, &packed, "refused");
    assert_refused(*state, NULL, &tar, "refused");
    unsetenv("WHERRY_LAYER_MAX");
}

static void test_given_up(void **state)
{
    struct place *p = *state;
    auto_buf tar = {0};
    make_tar(8 << 20, &tar);
    for (size_t n = 0; n < tar.len; n += 1 << 20) {
        auto_content_sink k = NULL;
        assert_int_equal(content_sink_open(&p->store, NULL, &k, NULL), 0);
        assert_int_equal(content_sink_add(k, tar.data, n, NULL), 0);
    }
    assert_nothing(p);
}

/* --- and out again ------------------------------------------------------------------------ */

static int collect(void *arg, const void *data, size_t len, struct err *err)
{
    buf_add(arg, data, len);
    return 0;
}

static void test_threads_do_not_matter(void **state)
{
    static const unsigned threads[] = {1, 2, 5};
    static const size_t sizes[] = {0, 1 << 20, 9 * (1 << 20) + 777};
    for (int how = CONTENT_PLAIN; how <= CONTENT_ZSTD; how++)
        for (size_t i = 0; i < 3; i++) {
            auto_buf first = {0}, tar = {0};
            auto_close int fd = memfd_create("tar", MFD_CLOEXEC);
            make_tar(sizes[i], &tar);
            assert_int_equal(write_full(fd, tar.data, tar.len), 0);
            for (size_t t = 0; t < 3; t++) {
                auto_buf out = {0};
                char plain[72], digest[72], want[72];
                int64_t size = 0;
                struct err err = {0};
                if (compress_fd(fd, (enum content_compression)how, threads[t], collect, &out, plain,
                                digest, &size, &err) < 0)
                    fail_msg("%s", err.message);
                assert_int_equal(size, out.len);
                assert_int_equal(digest_of(out.data, out.len, want, NULL), 0);
                assert_string_equal(digest, want);
                assert_int_equal(digest_of(tar.data, tar.len, want, NULL), 0);
                assert_string_equal(plain, want);
                if (t == 0)
                    buf_add(&first, out.data, out.len);
                assert_int_equal(first.len, out.len);
                assert_memory_equal(first.data, out.data, out.len);
            }
        }
}

static void test_out_and_in(void **state)
{
    struct place *p = *state;
    auto_buf tar = {0};
    struct content_layer layer = {0}, again = {0};
    make_tar(5 << 20, &tar);
    assert_int_equal(feed(p, NULL, &tar, 1 << 20, &layer, NULL), 0);
    for (int how = CONTENT_PLAIN; how <= CONTENT_ZSTD; how++) {
        auto_buf out = {0};
        char digest[72];
        struct content_expect e = {.digest = digest, .diff_id = layer.diff_id};
        assert_int_equal(content_layer_compress(&p->store, layer.diff_id,
                                                (enum content_compression)how, collect, &out,
                                                digest, &e.size, NULL),
                         0);
        assert_int_equal(feed(p, &e, &out, 99991, &again, NULL), 0);
        assert_string_equal(again.diff_id, layer.diff_id);
        free(again.diff_id);
    }
    free(layer.diff_id);
}

static int refuse(void *arg, const void *data, size_t len, struct err *err)
{
    return err_set(err, -EPIPE, "enough");
}

static void test_out_errors(void **state)
{
    struct place *p = *state;
    struct content_layer layer = {0};
    auto_buf tar = {0}, out = {0};
    char digest[72];
    int64_t size;
    struct err err = {0};
    make_tar(5 << 20, &tar);
    assert_int_equal(feed(p, NULL, &tar, 1 << 20, &layer, NULL), 0);
    assert_int_equal(content_layer_compress(&p->store, layer.diff_id, CONTENT_GZIP, refuse, NULL,
                                            digest, &size, &err),
                     -EPIPE);
    assert_string_equal(err.message, "enough");
    struct blob_path path = store_blob_path(layer.diff_id);
    auto_close int fd = openat(p->store.root_fd, path.s, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    assert_int_equal(content_layer_compress(&p->store, layer.diff_id, CONTENT_GZIP, collect, &out,
                                            digest, &size, &err),
                     -EBADMSG);
    assert_int_equal(content_layer_compress(&p->store, place_digest('1'), CONTENT_GZIP, collect,
                                            &out, digest, &size, &err),
                     -ENOENT);
    free(layer.diff_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_compressions, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_several_units, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_skippable_frames, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_cut_and_garbage, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_flipped, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_expectations, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_no_tar, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_bad_tar, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_growth, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_given_up, place_setup, place_teardown),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test_setup_teardown(test_out_and_in, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_out_errors, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
