/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an archive of images, into a store, through sinks and decompressors: so also a layer
 * that comes in pieces, and an image's documents. Whatever comes, nothing is left behind that is
 * not listed, and what is listed can be read. */
#include "base/file.h"
#include "spec/platform.h"
#include "store/internal.h"
#include "store/load.h"
#include "tests/fuzz/tar_mutator.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct store store;
static char dir[] = "/dev/shm/wherry-fuzz-XXXXXX";

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void remove_store(void)
{
    store_close(&store);
    remove_tree_at(AT_FDCWD, dir, NULL);
}

static void make_store(void)
{
    char root[64], run[64];
    must(mkdtemp(dir));
    snprintf(root, sizeof(root), "%s/root", dir);
    snprintf(run, sizeof(run), "%s/run", dir);
    struct store_options o = {.root = root, .runroot = run};
    must(store_open(&o, &store, NULL) == 0);
    setenv("WHERRY_LAYER_MAX", "16777216", 1);
    atexit(remove_store);
}

static void check_images(void)
{
    struct store_image *images = NULL;
    size_t n = 0;
    must(store_image_list(&store, &images, &n, NULL) == 0);
    for (size_t i = 0; i < n; i++) {
        strv_foreach (&images[i].layers, layer) {
            int64_t bytes;
            must(store_layer_size(&store, layer, &bytes, NULL) == 0);
        }
        must(store_image_remove(&store, &images[i], NULL, NULL, NULL) == 0);
        store_image_done(&images[i]);
    }
    free(images);
    store_abandon(&store);
    auto_strv left = {0};
    must(list_dir_at(store.root_fd, BLOBS_DIR, &left, NULL) == 0);
    must(list_dir_at(store.root_fd, TMP_DIR, &left, NULL) == 0);
    must(left.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    auto_done(platform) struct platform host = {0};
    struct store_image *images = NULL;
    struct err err = {0};
    size_t n = 0;
    if (fd < 0) {
        make_store();
        fd = memfd_create("archive", MFD_CLOEXEC);
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size &&
         lseek(fd, 0, SEEK_SET) == 0);
    platform_host(&host);
    struct load_options o = {.platform = &host};
    if (content_load(&store, fd, &o, &images, &n, &err) < 0)
        must(err.code < 0 && *err.message);
    for (size_t i = 0; i < n; i++)
        store_image_done(&images[i]);
    free(images);
    check_images();
    return 0;
}
