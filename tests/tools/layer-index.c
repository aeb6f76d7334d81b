/* SPDX-License-Identifier: Apache-2.0 */
/* layer-index TAR INDEX: writes the index of an uncompressed tar. */
#include "base/cleanup.h"
#include "overlay-fuse/layer_index.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct layer_index_stats stats;
    struct err err = {0};
    if (argc != 3) {
        fputs("usage: layer-index TAR INDEX\n", stderr);
        return 2;
    }
    auto_close int tar = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (tar < 0) {
        fprintf(stderr, "layer-index: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    auto_close int index = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (index < 0) {
        fprintf(stderr, "layer-index: %s: %s\n", argv[2], strerror(errno));
        return 1;
    }
    if (layer_index_write(tar, index, &stats, &err) < 0) {
        fprintf(stderr, "layer-index: %s\n", err.message);
        unlink(argv[2]);
        return 1;
    }
    return 0;
}
