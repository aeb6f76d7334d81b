/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is left of content work that fails or is killed.
 *
 * Theory of operation. A small process waits at a pipe whose other end the worker holds, and with
 * it every monitor that the worker starts (a build's steps). A worker that gets to its end, well or
 * not, cleans up itself and says so. When the pipe ends without a word, all of them are dead:
 * then their staging directories and unlisted layers are garbage, and the process removes them.
 *
 * Should: hold no descriptor of the caller's but the store's; ignore what a terminal sends to the
 * worker's process group. */
#pragma once

#include "engine/engine.h"

struct sweep {
    int fd;
};

int sweep_begin(struct engine *e, struct sweep *ret, struct err *err);
/* The work has ended with `r`; when that is an error, removes what was published and not listed. */
void sweep_end(struct engine *e, struct sweep *s, int r);
