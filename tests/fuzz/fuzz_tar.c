/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a layer's tar. What is made an index of must be an index that can be read. */
#include "overlay-fuse/layer.h"
#include "overlay-fuse/layer_index.h"
#include "tests/fuzz/tar_mutator.h"
#include "tests/unit/overlay-fuse/index_dump.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int tar, index;
    struct layer_index_stats stats;
    struct err err = {0};
    struct layer l;
    char tar_path[32], index_path[32];
    if (!tar) {
        tar = memfd_create("tar", MFD_CLOEXEC);
        index = memfd_create("index", MFD_CLOEXEC);
    }
    must(ftruncate(tar, 0) == 0 && pwrite(tar, data, size, 0) == (ssize_t)size);
    must(ftruncate(index, 0) == 0 && lseek(index, 0, SEEK_SET) == 0);
    if (layer_index_write(tar, index, &stats, &err) < 0) {
        must(err.code < 0 && *err.message);
        return 0;
    }
    snprintf(tar_path, sizeof(tar_path), "/proc/self/fd/%d", tar);
    snprintf(index_path, sizeof(index_path), "/proc/self/fd/%d", index);
    must(layer_open(tar_path, index_path, &l, &err) == 0);
    auto_buf text = {0};
    index_dump(&l, &text);
    must(!strstr(text.data, INDEX_DUMP_WRONG));
    layer_close(&l);
    return 0;
}
