/* SPDX-License-Identifier: Apache-2.0 */
/* A map from 64-bit numbers (never 0) to pointers: open addressing, no allocation a key. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct idmap {
    struct idmap_slot {
        uint64_t key; /* 0: free */
        void *value;
    } * slots;
    size_t n_slots; /* a power of two, or 0 */
    size_t n_keys;
};

void idmap_done(struct idmap *m);
void *idmap_get(const struct idmap *m, uint64_t key);
/* Adds or replaces. */
void idmap_set(struct idmap *m, uint64_t key, void *value);
void idmap_remove(struct idmap *m, uint64_t key);
