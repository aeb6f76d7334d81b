/* SPDX-License-Identifier: Apache-2.0 */
/* Saved images: what others write in its many forms, hostile ones, and our own again. */
#include "base/alloc.h"
#include "base/file.h"
#include "place.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "spec/platform.h"
#include "store/internal.h"
#include "store/load.h"
#include "store/save.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Two layers and their configuration. */
struct sample {
    struct buf layers[2], config;
    char diff_id[2][72], config_digest[72];
};

static void sample_make(struct sample *s)
{
    struct err err = {0};
    *s = (struct sample){0};
    for (int i = 0; i < 2; i++) {
        struct tar_entry e = {
            .mode = S_IFREG | 0644, .path = i ? "two" : "one", .data = i ? "second" : "first"};
        assert_int_equal(tar_make(&e, 1, &s->layers[i], &err), 0);
        assert_int_equal(digest_of(s->layers[i].data, s->layers[i].len, s->diff_id[i], &err), 0);
    }
    buf_printf(&s->config,
               "{ \"architecture\": \"amd64\", \"os\": \"linux\", \"rootfs\": {\"type\": "
               "\"layers\", \"diff_ids\": [\"%s\", \"%s\"]}}\n",
               s->diff_id[0], s->diff_id[1]);
    assert_int_equal(digest_of(s->config.data, s->config.len, s->config_digest, &err), 0);
}

static void sample_done(struct sample *s)
{
    buf_done(&s->layers[0]);
    buf_done(&s->layers[1]);
    buf_done(&s->config);
}

/* --- archives ----------------------------------------------------------------------------- */

static void add(struct buf *b, const char *name, const void *data, size_t len)
{
    tar_header(b, name, '0', len, "");
    tar_data(b, data, len);
}

static void add_text(struct buf *b, const char *name, const char *text)
{
    add(b, name, text, strlen(text));
}

static void add_link(struct buf *b, const char *name, char type, const char *target)
{
    tar_header(b, name, type, 0, target);
}

/* A link whose target has `len` bytes, in GNU's way. */
static void add_long_link(struct buf *b, const char *name, size_t len)
{
    auto_buf target = {0};
    while (target.len < len)
        buf_add_str(&target, "k/");
    tar_header(b, "././@LongLink", 'K', target.len, "");
    tar_data(b, target.data, target.len);
    add_link(b, name, '2', "k");
}

static void end(struct buf *b)
{
    static const char zeros[1024];
    buf_add(b, zeros, sizeof(zeros));
}

/* manifest.json with these layer names. */
static void add_manifest(struct buf *b, const char *config, const char *tag, const char *one,
                         const char *two)
{
    auto_buf text = {0};
    buf_printf(&text, "[{\"Config\":\"%s\",\"RepoTags\":[\"%s\"],\"Layers\":[\"%s\",\"%s\"]}]",
               config, tag, one, two);
    add(b, "manifest.json", text.data, text.len);
}

static int load_fd(struct place *p, int fd, struct strv *ret, struct err *err)
{
    auto_done(platform) struct platform host = {0};
    struct store_image *images = NULL;
    size_t n = 0;
    platform_host(&host);
    struct load_options o = {.platform = &host};
    int r = content_load(&p->store, fd, &o, &images, &n, err);
    for (size_t i = 0; i < n; i++) {
        strv_add(ret, images[i].id);
        strv_extend(ret, &images[i].names);
        store_image_done(&images[i]);
    }
    free(images);
    return r;
}

static int load(struct place *p, const struct buf *b, struct strv *ret, struct err *err)
{
    auto_close int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_int_equal(write_full(fd, b->data, b->len), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return load_fd(p, fd, ret, err);
}

static void assert_loads(struct place *p, const struct buf *b, const struct sample *s,
                         const char *name)
{
    auto_strv got = {0};
    struct err err = {0};
    if (load(p, b, &got, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(got.len, name ? 2 : 1);
    assert_string_equal(got.v[0], digest_hex(s->config_digest));
    if (name)
        assert_string_equal(got.v[1], name);
    /* The configuration is the same bytes. */
    auto_buf config = {0};
    struct blob_path path = store_blob_path(s->config_digest);
    assert_int_equal(file_read_at(p->store.root_fd, path.s, 1 << 20, &config, NULL), 0);
    assert_int_equal(config.len, s->config.len);
    assert_memory_equal(config.data, s->config.data, config.len);
}

/* Nothing is listed; and with the claims gone, nothing is left. */
static void assert_refused(struct place *p, const struct buf *b, const char *words)
{
    auto_strv got = {0};
    struct err err = {0};
    struct store_image *images = NULL;
    size_t n = 0;
    if (load(p, b, &got, &err) >= 0)
        fail_msg("was loaded; expected: %s", words);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
    assert_int_equal(store_image_list(&p->store, &images, &n, NULL), 0);
    assert_int_equal(n, 0);
    free(images);
    store_abandon(&p->store);
    auto_strv left = {0};
    assert_int_equal(list_dir_at(p->store.root_fd, BLOBS_DIR, &left, NULL), 0);
    assert_int_equal(list_dir_at(p->store.root_fd, INDEX_DIR, &left, NULL), 0);
    assert_int_equal(list_dir_at(p->store.root_fd, TMP_DIR, &left, NULL), 0);
    assert_int_equal(left.len, 0);
}

/* docker until 1.9 and after, podman, docker 25: layers by id, as links, by digest; the manifest
 * first or last. */
static void test_docker_archives(void **state)
{
    struct sample s;
    sample_make(&s);
    auto_free char *hex_config = xasprintf("%s.json", digest_hex(s.config_digest));
    for (int manifest_first = 0; manifest_first < 2; manifest_first++)
        for (int form = 0; form < 5; form++) {
            auto_buf b = {0};
            auto_free char *hex0 = xasprintf("%s.tar", digest_hex(s.diff_id[0]));
            auto_free char *hex1 = xasprintf("blobs/sha256/%s", digest_hex(s.diff_id[1]));
            const char *one = form == 0 ? "aaa/layer.tar" : hex0;
            const char *two = form == 1 ? "bbb/layer.tar" : form == 4 ? hex1 : "x/layer.tar";
            const char *config = form == 2 ? "config.json" : hex_config;
            if (manifest_first)
                add_manifest(&b, config, "some/image:v1", one, two);
            add_link(&b, "./", '5', "");
            add_text(&b, "aaa/VERSION", "1.0");
            add_text(&b, "aaa/json", "{\"id\":\"aaa\"}");
            add_long_link(&b, "endless", 100000); /* nobody can ask for it */
            add(&b, one, s.layers[0].data, s.layers[0].len);
            if (form == 1) {
                add(&b, "real/layer.tar", s.layers[1].data, s.layers[1].len);
                add_link(&b, "bbb/middle", '2', "../real/./layer.tar");
                add_link(&b, "bbb/layer.tar", '2', "middle");
            } else if (form == 3) {
                add(&b, "real/layer.tar", s.layers[1].data, s.layers[1].len);
                add_link(&b, "x/layer.tar", '1', "real/layer.tar");
            } else {
                add(&b, two, s.layers[1].data, s.layers[1].len);
            }
            add(&b, config, s.config.data, s.config.len);
            if (!manifest_first)
                add_manifest(&b, config, "some/image:v1", one, two);
            end(&b);
            assert_loads(*state, &b, &s, "docker.io/some/image:v1");
        }
    sample_done(&s);
}

/* --- OCI ---------------------------------------------------------------------------------- */

static void add_blob(struct buf *b, const void *data, size_t len, char ret_digest[static 72])
{
    assert_int_equal(digest_of(data, len, ret_digest, NULL), 0);
    auto_free char *name = xasprintf("blobs/sha256/%s", digest_hex(ret_digest));
    add(b, name, data, len);
}

/* Blobs of the sample and its manifest, whose descriptor is the text in *ret (without braces). */
static void add_image(struct buf *b, const struct sample *s, struct buf *ret)
{
    auto_buf m = {0};
    char digest[72];
    add_blob(b, s->layers[0].data, s->layers[0].len, digest);
    add_blob(b, s->layers[1].data, s->layers[1].len, digest);
    add_blob(b, s->config.data, s->config.len, digest);
    buf_printf(&m,
               "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
               "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
               digest, s->config.len);
    for (int i = 0; i < 2; i++)
        buf_printf(&m, "%s{\"mediaType\":\"" MEDIA_OCI_LAYER "\",\"digest\":\"%s\",\"size\":%zu}",
                   i ? "," : "", s->diff_id[i], s->layers[i].len);
    buf_add_str(&m, "]}");
    add_blob(b, m.data, m.len, digest);
    buf_printf(ret, "\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu",
               digest, m.len);
}

static void add_index(struct buf *b, const char *entries)
{
    auto_buf text = {0};
    buf_printf(&text, "{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
    add(b, "index.json", text.data, text.len);
}

static void test_oci_names(void **state)
{
    static const struct {
        const char *annotations, *name;
    } cases[] = {
        {"", NULL},
        {"\"org.opencontainers.image.ref.name\":\"quay.io/a/b:c\"", "quay.io/a/b:c"},
        {"\"org.opencontainers.image.ref.name\":\"latest\"", "localhost/latest:latest"},
        {"\"org.opencontainers.image.ref.name\":\"a:b\"", "localhost/a:b"},
        {"\"org.opencontainers.image.ref.name\":\"v1\","
         "\"io.containerd.image.name\":\"docker.io/library/a:v1\"",
         "docker.io/library/a:v1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sample s;
        auto_buf b = {0}, descriptor = {0}, entry = {0};
        sample_make(&s);
        add_image(&b, &s, &descriptor);
        buf_printf(&entry, "{%s,\"annotations\":{%s}}", descriptor.data, cases[i].annotations);
        add_index(&b, entry.data);
        end(&b);
        void *made = NULL;
        assert_int_equal(place_setup(&made), 0);
        assert_loads(made, &b, &s, cases[i].name);
        assert_int_equal(place_teardown(&made), 0);
        sample_done(&s);
    }
}

/* An index of platforms in the layout's index. */
static void test_oci_platforms(void **state)
{
    struct sample s;
    auto_buf b = {0}, descriptor = {0}, nested = {0}, entry = {0};
    char digest[72];
    sample_make(&s);
    add_image(&b, &s, &descriptor);
    buf_printf(&nested,
               "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":["
               "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:%064d\",\"size\":1,"
               "\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"}},"
               "{%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
               0, descriptor.data, platform_architecture());
    add_blob(&b, nested.data, nested.len, digest);
    buf_printf(&entry, "{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu}",
               digest, nested.len);
    add_index(&b, entry.data);
    end(&b);
    assert_loads(*state, &b, &s, NULL);
    sample_done(&s);
}

/* --- what is refused ---------------------------------------------------------------------- */

struct bad {
    const char *words;
    void (*make)(struct buf *b, const struct sample *s);
};

static void make_good_but(struct buf *b, const struct sample *s, const char *one, const char *two,
                          const char *config)
{
    add(b, "1.tar", s->layers[0].data, s->layers[0].len);
    add(b, "2.tar", s->layers[1].data, s->layers[1].len);
    add(b, "c.json", s->config.data, s->config.len);
    add_manifest(b, config, "x", one, two);
    end(b);
}

static void no_manifest(struct buf *b, const struct sample *s)
{
    add(b, "1.tar", s->layers[0].data, s->layers[0].len);
    end(b);
}

static void swapped(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "2.tar", "1.tar", "c.json");
}

static void missing_layer(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "3.tar", "c.json");
}

static void missing_config(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "2.tar", "d.json");
}

static void layer_is_config(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "c.json", "c.json");
}

static void path_upwards(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "../../../../etc/passwd", "c.json");
}

static void path_absolute(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "2.tar", "/etc/passwd");
}

static void link_outside(struct buf *b, const struct sample *s)
{
    add_link(b, "2.json", '2', "../../../../../etc/passwd");
    add_link(b, "3.json", '2', "/etc/passwd");
    make_good_but(b, s, "1.tar", "2.tar", "2.json");
}

static void link_absolute(struct buf *b, const struct sample *s)
{
    add_link(b, "3.json", '2', "/etc/passwd");
    make_good_but(b, s, "1.tar", "2.tar", "3.json");
}

static void link_circle(struct buf *b, const struct sample *s)
{
    add_link(b, "a.tar", '2', "b.tar");
    add_link(b, "b.tar", '2', "a.tar");
    make_good_but(b, s, "1.tar", "a.tar", "c.json");
}

static void twice(struct buf *b, const struct sample *s)
{
    add(b, "./2.tar", s->layers[0].data, s->layers[0].len);
    make_good_but(b, s, "1.tar", "2.tar", "c.json");
}

static void two_manifests(struct buf *b, const struct sample *s)
{
    add_text(b, "manifest.json", "[]");
    make_good_but(b, s, "1.tar", "2.tar", "c.json");
}

static void empty_list(struct buf *b, const struct sample *s)
{
    add_text(b, "manifest.json", "[]");
    end(b);
}

static void bad_tag(struct buf *b, const struct sample *s)
{
    add(b, "1.tar", s->layers[0].data, s->layers[0].len);
    add(b, "2.tar", s->layers[1].data, s->layers[1].len);
    add(b, "c.json", s->config.data, s->config.len);
    add_manifest(b, "c.json", "UPPER/../x", "1.tar", "2.tar");
    end(b);
}

static void no_layer_at_all(struct buf *b, const struct sample *s)
{
    add_text(b, "2.tar", "this is no tar");
    add_manifest(b, "c.json", "x", "1.tar", "2.tar");
    end(b);
}

static void giant_manifest(struct buf *b, const struct sample *s)
{
    auto_buf text = {0};
    buf_add_str(&text, "[");
    while (text.len < (9u << 20))
        buf_add_str(&text, "                                                                ");
    buf_add_str(&text, "]");
    add(b, "manifest.json", text.data, text.len);
    end(b);
}

static void not_json(struct buf *b, const struct sample *s)
{
    add_text(b, "manifest.json", "[{\"Config\": ");
    end(b);
}

static void deep_json(struct buf *b, const struct sample *s)
{
    auto_buf text = {0};
    for (int i = 0; i < 100000; i++)
        buf_add_char(&text, '[');
    add(b, "manifest.json", text.data, text.len);
    end(b);
}

static void cut_in_layer(struct buf *b, const struct sample *s)
{
    make_good_but(b, s, "1.tar", "2.tar", "c.json");
    buf_truncate(b, 512 + s->layers[0].len / 2);
}

static void cut_before_manifest(struct buf *b, const struct sample *s)
{
    add(b, "1.tar", s->layers[0].data, s->layers[0].len);
    add(b, "2.tar", s->layers[1].data, s->layers[1].len);
}

static void no_archive(struct buf *b, const struct sample *s)
{
    buf_add_str(b, "PK\003\004 a zip, or so it says, and long enough for a header of some sort");
    while (b->len < 2000)
        buf_add_str(b, "xxxxxxxxxxxxxxxxxxxxxxx");
}

/* A blob whose name is another digest. */
static void false_blob(struct buf *b, const struct sample *s)
{
    auto_free char *name = xasprintf("blobs/sha256/%064d", 7);
    add(b, name, s->layers[0].data, s->layers[0].len);
    end(b);
}

static void false_config(struct buf *b, const struct sample *s)
{
    auto_buf good = {0}, descriptor = {0}, entry = {0};
    add_image(&good, s, &descriptor);
    char *at = memmem(good.data, good.len, "\"os\": \"linux\"", 13);
    assert_non_null(at);
    at[7] = 'L';
    buf_add(b, good.data, good.len);
    buf_printf(&entry, "{%s}", descriptor.data);
    add_index(b, entry.data);
    end(b);
}

static void both_kinds(struct buf *b, const struct sample *s)
{
    static const char text[] = "{\"schemaVersion\":2,\"config\":{},\"layers\":[],\"manifests\":[]}";
    auto_buf entry = {0};
    char digest[72];
    add_blob(b, text, sizeof(text) - 1, digest);
    buf_printf(&entry, "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu}",
               digest, sizeof(text) - 1);
    add_index(b, entry.data);
    end(b);
}

static void blob_path_in_digest(struct buf *b, const struct sample *s)
{
    add_index(b, "{\"mediaType\":\"" MEDIA_OCI_MANIFEST
                 "\",\"digest\":\"sha256:../../../../etc/passwd\",\"size\":1}");
    end(b);
}

/* Names that fit one by one, and together would fill the memory. */
static void many_names(struct buf *b, const struct sample *s)
{
    for (int i = 0; i < 5000; i++) {
        auto_free char *name = xasprintf("link%d", i);
        add_long_link(b, name, 4000);
    }
    end(b);
}

static const struct bad bads[] = {
    {"no image", no_manifest},
    {"configuration wants", swapped},
    {"no layer 3.tar", missing_layer},
    {"no document d.json", missing_config},
    {"no layer c.json", layer_is_config},
    {"no layer ../", path_upwards},
    {"no document /etc/passwd", path_absolute},
    {"no document 2.json", link_outside},
    {"no document 3.json", link_absolute},
    {"no layer a.tar", link_circle},
    {"2.tar is in the archive twice", twice},
    {"manifest.json is in the archive twice", two_manifests},
    {"lists 0 images", empty_list},
    {"name for the image", bad_tag},
    {"not a tar", no_layer_at_all},
    {"too large", giant_manifest},
    {"manifest.json", not_json},
    {"manifest.json", deep_json},
    {"runcated", cut_in_layer},
    {"take too much memory", many_names},
    {"no image", cut_before_manifest},
    {"damaged archive", no_archive},
    {"digest is", false_blob},
    {"has the digest", false_config},
    {"neither", both_kinds},
    {"digest", blob_path_in_digest},
};

static void test_refused(void **state)
{
    struct sample s;
    sample_make(&s);
    for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
        auto_buf b = {0};
        bads[i].make(&b, &s);
        assert_refused(*state, &b, bads[i].words);
    }
    sample_done(&s);
}

/* Cut anywhere it is loaded whole or not at all. */
static void test_cut_anywhere(void **state)
{
    struct place *p = *state;
    struct sample s;
    auto_buf b = {0};
    sample_make(&s);
    make_good_but(&b, &s, "1.tar", "2.tar", "c.json");
    for (size_t cut = 0; cut < b.len - 1024; cut += 256) {
        struct buf part = {.data = b.data, .len = cut};
        auto_strv got = {0};
        struct err err = {0};
        assert_true(load(p, &part, &got, &err) < 0);
    }
    assert_loads(p, &b, &s, "docker.io/library/x:latest");
    sample_done(&s);
}

/* --- directories -------------------------------------------------------------------------- */

static void test_directory_links(void **state)
{
    struct place *p = *state;
    auto_free char *dir = xasprintf("%s/dir", p->dir);
    struct err err = {0};
    auto_strv got = {0};
    assert_int_equal(mkdir(dir, 0700), 0);
    auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static const char text[] =
        "[{\"Config\":\"c.json\",\"Layers\":[\"../../../../../../etc/hostname\"]}]";
    assert_int_equal(tar_save(fd, "manifest.json", text, sizeof(text) - 1), 0);
    assert_int_equal(symlinkat("/etc/passwd", fd, "c.json"), 0);
    assert_true(load_fd(p, fd, &got, &err) < 0);
    assert_non_null(strstr(err.message, "no document c.json"));
    assert_int_equal(unlinkat(fd, "c.json", 0), 0);
    assert_int_equal(mkfifoat(fd, "c.json", 0600), 0);
    assert_true(load_fd(p, fd, &got, &err) < 0);
    assert_non_null(strstr(err.message, "not a regular file"));
}

/* --- and out again ------------------------------------------------------------------------ */

static int save(struct place *p, enum save_format format, bool compress, const char *name, int fd)
{
    auto_done(store_image) struct store_image image = {0};
    auto_strv names = {0};
    struct err err = {0};
    assert_int_equal(store_image_find(&p->store, name, &image, NULL), 0);
    strv_extend(&names, &image.names);
    struct save_image one = {.image = &image, .names = names};
    struct save_options o = {.format = format, .compress = compress, .images = &one, .n = 1};
    int r = content_save(&p->store, &o, fd, &err);
    if (r < 0)
        print_message("%s\n", err.message);
    return r;
}

static void test_round_trip(void **state)
{
    struct place *p = *state;
    struct sample s;
    auto_buf b = {0};
    sample_make(&s);
    make_good_but(&b, &s, "1.tar", "2.tar", "c.json");
    assert_loads(p, &b, &s, "docker.io/library/x:latest");
    for (int format = SAVE_DOCKER_ARCHIVE; format <= SAVE_DOCKER_DIR; format++)
        for (int compress = 0; compress < 2; compress++) {
            bool directory = format == SAVE_OCI_DIR || format == SAVE_DOCKER_DIR;
            auto_buf first = {0};
            if (format == SAVE_DOCKER_ARCHIVE && compress)
                continue;
            for (int again = 0; again < 2; again++) {
                auto_free char *path =
                    xasprintf("%s/out-%d-%d-%d", p->dir, format, compress, again);
                auto_strv got = {0};
                void *made = NULL;
                struct err err = {0};
                if (directory)
                    assert_int_equal(mkdir(path, 0700), 0);
                auto_close int fd = open(
                    path, directory ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT | O_EXCL, 0600);
                assert_int_equal(save(p, (enum save_format)format, compress, "x", fd), 0);
                lseek(fd, 0, SEEK_SET);
                assert_int_equal(place_setup(&made), 0);
                if (load_fd(made, fd, &got, &err) < 0)
                    fail_msg("format %d: %s", format, err.message);
                assert_string_equal(got.v[0], digest_hex(s.config_digest));
                assert_int_equal(got.len, format == SAVE_DOCKER_DIR ? 1 : 2);
                assert_int_equal(place_teardown(&made), 0);
                if (directory)
                    continue;
                auto_buf bytes = {0};
                assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 24, &bytes, NULL), 0);
                if (!again)
                    buf_add(&first, bytes.data, bytes.len);
                assert_int_equal(first.len, bytes.len);
                assert_memory_equal(first.data, bytes.data, bytes.len);
            }
        }
    sample_done(&s);
}

/* What is damaged in the store is not handed on. */
static void test_save_damaged(void **state)
{
    struct place *p = *state;
    struct sample s;
    auto_buf b = {0};
    sample_make(&s);
    make_good_but(&b, &s, "1.tar", "2.tar", "c.json");
    assert_loads(p, &b, &s, "docker.io/library/x:latest");
    struct blob_path path = store_blob_path(s.diff_id[1]);
    auto_close int blob = openat(p->store.root_fd, path.s, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(blob, "X", 1, 600), 1);
    auto_close int fd = memfd_create("out", MFD_CLOEXEC);
    assert_int_equal(save(p, SAVE_DOCKER_ARCHIVE, false, "x", fd), -EBADMSG);
    assert_int_equal(save(p, SAVE_OCI_ARCHIVE, true, "x", fd), -EBADMSG);
    sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_docker_archives, place_setup, place_teardown),
        cmocka_unit_test(test_oci_names),
        cmocka_unit_test_setup_teardown(test_oci_platforms, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_refused, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_cut_anywhere, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_directory_links, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_save_damaged, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
