/* SPDX-License-Identifier: Apache-2.0 */
/* A map from 64-bit numbers to pointers. */
#include "overlay-fuse/idmap.h"

#include "base/alloc.h"

#include <stdlib.h>

void idmap_done(struct idmap *m)
{
    free(m->slots);
    *m = (struct idmap){0};
}

static size_t home(const struct idmap *m, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (m->n_slots - 1);
}

static struct idmap_slot *find(const struct idmap *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->slots[i].key && m->slots[i].key != key)
        i = (i + 1) & (m->n_slots - 1);
    return &m->slots[i];
}

void *idmap_get(const struct idmap *m, uint64_t key)
{
    return m->n_slots ? find(m, key)->value : NULL;
}

static void resize(struct idmap *m, size_t n_slots)
{
    struct idmap old = *m;
    m->n_slots = n_slots;
    m->slots = xcalloc(n_slots, sizeof(*m->slots));
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].key)
            *find(m, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

void idmap_set(struct idmap *m, uint64_t key, void *value)
{
    if ((m->n_keys + 1) * 4 > m->n_slots * 3)
        resize(m, m->n_slots ? m->n_slots * 2 : 64);
    struct idmap_slot *s = find(m, key);
    m->n_keys += s->key == 0;
    *s = (struct idmap_slot){key, value};
}

void idmap_remove(struct idmap *m, uint64_t key)
{
    if (!m->n_slots)
        return;
    struct idmap_slot *s = find(m, key);
    if (!s->key)
        return;
    m->n_keys--;
    /* Close the gap, so that no probe ends early: move back what had to step over it. */
    size_t gap = (size_t)(s - m->slots), i = gap;
    for (;;) {
        i = (i + 1) & (m->n_slots - 1);
        if (!m->slots[i].key)
            break;
        size_t want = home(m, m->slots[i].key);
        if (((i - want) & (m->n_slots - 1)) >= ((i - gap) & (m->n_slots - 1))) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = (struct idmap_slot){0};
    if (m->n_slots > 1024 && m->n_keys * 8 < m->n_slots)
        resize(m, m->n_slots / 4);
}
