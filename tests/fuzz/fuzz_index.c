/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a layer index. What would end the game early (magic, sizes, checksum) is put right,
 * then the layer is read as such and through an overlay that has it twice. */
#include "base/alloc.h"
#include "overlay-fuse/core.h"
#include "overlay-fuse/layer.h"
#include "tests/unit/overlay-fuse/index_dump.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAR_SIZE 65536

struct place {
    int tar, index;
    char tar_path[32], index_path[32];
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void init(struct place *p)
{
    static char tar[TAR_SIZE];
    memset(tar, 't', sizeof(tar));
    p->tar = memfd_create("tar", MFD_CLOEXEC);
    p->index = memfd_create("index", MFD_CLOEXEC);
    must(p->tar >= 0 && p->index >= 0 && write(p->tar, tar, sizeof(tar)) == sizeof(tar));
    snprintf(p->tar_path, sizeof(p->tar_path), "/proc/self/fd/%d", p->tar);
    snprintf(p->index_path, sizeof(p->index_path), "/proc/self/fd/%d", p->index);
}

static void put_index(const struct place *p, const uint8_t *data, size_t size)
{
    size_t whole = (size + 7) / 8 * 8;
    auto_free struct index_header *h = xcalloc(whole, 1);
    memcpy(h, data, size);
    h->magic = INDEX_MAGIC;
    h->version = INDEX_VERSION;
    h->header_size = sizeof(*h);
    h->file_size = whole;
    h->tar_size = TAR_SIZE;
    h->checksum = index_checksum(h, whole);
    must(ftruncate(p->index, 0) == 0 && pwrite(p->index, h, whole, 0) == (ssize_t)whole);
}

struct walk {
    struct overlay *ov;
    struct buf path;
    size_t names;
};

static int visit(void *arg, const char *name, const struct stat *st)
{
    struct walk *w = arg;
    struct stat again;
    char data[256];
    size_t len = w->path.len;
    if (++w->names > 2000 || len > 2000)
        return 1;
    buf_printf(&w->path, "/%s", name);
    must(overlay_stat(w->ov, w->path.data, OVERLAY_NOFOLLOW, &again) == 0);
    must(again.st_ino == st->st_ino && again.st_mode == st->st_mode);
    overlay_read(w->ov, w->path.data, data, sizeof(data), 0);
    overlay_read(w->ov, w->path.data, data, sizeof(data), (uint64_t)st->st_size / 2);
    auto_free char *target = NULL, *real = NULL;
    overlay_readlink(w->ov, w->path.data, &target);
    overlay_realpath(w->ov, w->path.data, true, &real);
    int r = S_ISDIR(st->st_mode) ? overlay_list(w->ov, w->path.data, visit, w) : 0;
    buf_truncate(&w->path, len);
    return r > 0;
}

static void walk(const struct place *p)
{
    const struct overlay_layer_files layer = {.tar = p->tar_path, .index = p->index_path};
    const struct overlay_layer_files layers[] = {layer, layer};
    struct overlay_options o = {.layers = layers, .n_layers = 2};
    struct walk w = {0};
    must(overlay_open(&o, &w.ov, NULL) == 0);
    buf_add_str(&w.path, "");
    overlay_list(w.ov, "/", visit, &w);
    buf_done(&w.path);
    overlay_close(w.ov);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct place place;
    struct layer l;
    if (!place.tar)
        init(&place);
    if (size < sizeof(struct index_header))
        return 0;
    put_index(&place, data, size);
    if (layer_open(place.tar_path, place.index_path, &l, NULL) < 0)
        return 0;
    auto_buf text = {0};
    index_dump(&l, &text);
    must(!strstr(text.data, INDEX_DUMP_WRONG));
    layer_close(&l);
    walk(&place);
    return 0;
}
