/* SPDX-License-Identifier: Apache-2.0 */
/* Images into the store from what `save`, podman, docker and skopeo write. */
#pragma once

#include "spec/platform.h"
#include "store/content.h"

struct load_options {
    const struct platform *platform; /* what to take of an index with several */
    content_progress_fn progress;    /* bytes of the archive as it comes; or NULL */
    void *progress_arg;
};

/* Loads all images from `fd`: an archive (docker's, or an OCI layout; plain or compressed; file or
 * pipe) or a directory (OCI layout or containers/image's "dir:"). Configurations are kept byte for
 * byte. *ret (caller frees each and the array) has the names that the archive gives. When one is
 * damaged, those before it stay. */
int content_load(struct store *s, int fd, const struct load_options *o, struct store_image **ret,
                 size_t *ret_n, struct err *err);
