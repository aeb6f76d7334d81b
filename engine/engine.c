/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the engine. */
#include "engine/engine.h"

int engine_open(const struct engine_options *o, struct engine *ret, struct err *err)
{
    struct store_options so = {
        .root = o->root, .runroot = o->runroot, .image_stores = o->image_stores};
    return store_open(&so, &ret->store, err);
}

void engine_close(struct engine *e)
{
    store_close(&e->store);
}
