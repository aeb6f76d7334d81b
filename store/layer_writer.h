/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer: bytes in, a published blob with its index out. */
#pragma once

#include "store/content.h"
#include "store/internal.h"

/* A tar begins with a header whose checksum is right, or, when it is empty, with zeros. */
bool layer_looks_like_tar(const void *head, size_t len);

/* Of one thread's: a second one, its own, works on what it was given. */
struct layer_writer;

int layer_writer_new(struct store *s, struct layer_writer **ret, struct err *err);
/* Whatever was not published is gone. */
void layer_writer_free(struct layer_writer *w);
DEFINE_AUTO_PTR(layer_writer, layer_writer_free)

/* Where the next bytes go and how many fit (at least one); what was wrong with earlier ones is
 * reported here. */
int layer_writer_room(struct layer_writer *w, void **ret, size_t *ret_len, struct err *err);
/* `len` bytes of the room were filled. */
void layer_writer_put(struct layer_writer *w, size_t len);
int layer_writer_add(struct layer_writer *w, const void *data, size_t len, struct err *err);
/* Bytes so far. */
uint64_t layer_writer_size(const struct layer_writer *w);

/* There are no more bytes: waits until all are written and indexed. */
int layer_writer_finish(struct layer_writer *w, char ret_diff_id[static 72], struct err *err);
/* Syncs and publishes what is finished. */
int layer_writer_publish(struct layer_writer *w, struct content_layer *ret, struct err *err);
