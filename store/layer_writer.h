/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer: bytes in, a published blob with its index out. */
#pragma once

#include "store/content.h"
#include "store/internal.h"

#include <openssl/evp.h>

#define LAYER_CHUNK (256 * 1024) /* fits the second-level cache: hashed while it is warm */

struct layer_writer {
    struct staging st;
    int fd;
    EVP_MD_CTX *md;
    uint64_t size, flushed;
    unsigned char head[512]; /* the first tar header, to refuse early what is no tar */
};

int layer_writer_open(struct store *s, struct layer_writer *ret, struct err *err);
/* Whatever was not published is gone. */
void layer_writer_done(struct layer_writer *w);
int layer_writer_add(struct layer_writer *w, const void *data, size_t len, struct err *err);
/* Indexes, syncs and publishes. */
int layer_writer_publish(struct layer_writer *w, struct content_layer *ret, struct err *err);

/* "sha256:..." of some bytes; NULL-terminated into `out`. */
int content_digest(const void *data, size_t len, char out[static 72], struct err *err);

DEFINE_AUTO(layer_writer, layer_writer_done)
