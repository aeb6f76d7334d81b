/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds on what an image may contain. The document itself is bounded by JSON_LIMIT. */
#pragma once

#define SPEC_LAYERS_MAX  1000  /* docker and podman stop at about 125 */
#define SPEC_HISTORY_MAX 10000 /* most entries have no layer */
#define SPEC_LIST_MAX    10000 /* Env, Cmd, Volumes... */

/* Compressed layers that grow to more than LAYER_BOMB_SIZE are held to grow by no more than
 * LAYER_BOMB_RATIO: what people have on disk compresses to a third or a tenth, and a gigabyte of
 * zeros to a thousandth. $WHERRY_LAYER_MAX, in bytes, is asked instead of both when it is set. */
#define LAYER_BOMB_SIZE  (INT64_C(1) << 30)
#define LAYER_BOMB_RATIO 200
#define LAYER_MAX        (INT64_C(1) << 40)

/* Bytes that decompressing one layer may take; $WHERRY_DECOMPRESS_MEMORY when it is set. */
#define DECOMPRESS_MEMORY (UINT64_C(40) << 20)
