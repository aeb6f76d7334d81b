/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds on what an image may contain. The document itself is bounded by JSON_LIMIT. */
#pragma once

#define SPEC_LAYERS_MAX  1000  /* docker and podman stop at about 125 */
#define SPEC_HISTORY_MAX 10000 /* most entries have no layer */
#define SPEC_LIST_MAX    10000 /* Env, Cmd, Volumes... */
