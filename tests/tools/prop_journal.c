/* SPDX-License-Identifier: Apache-2.0 */
/* The property test's look at the attribute journal itself. */
#include "base/file.h"
#include "overlay-fuse/journal.h"
#include "tests/tools/prop.h"

#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#define JOURNAL "work/" JOURNAL_FILE

void journal_keep(const struct world *w, struct buf *ret)
{
    struct err err = {0};
    if (file_read_at(w->fd, JOURNAL, 1 << 30, ret, &err) < 0)
        prop_fail(w, "%s", err.message);
}

/* With the beginning of a record that did not get further. */
void journal_put_back(struct world *w, const struct buf *kept)
{
    struct err err = {0};
    size_t head = sizeof(struct journal_head), torn = prop_below(w, 40);
    auto_buf b = {0};
    buf_add(&b, kept->data, kept->len);
    if (kept->len - head > torn)
        buf_add(&b, kept->data + head, torn);
    if (file_write_at(w->fd, JOURNAL, b.data, b.len, 0600, 0, &err) < 0)
        prop_fail(w, "%s", err.message);
    w->crashed = true;
}

void journal_check(const struct world *w)
{
    struct idmap there = {0};
    char *const roots[] = {(char *)w->options.upper, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *e;
    if (!tree)
        prop_fail(w, "walk %s: %s", w->options.upper, strerror(errno));
    while ((e = fts_read(tree)))
        if (e->fts_info != FTS_DP)
            idmap_set(&there, e->fts_statp->st_ino, (void *)w);
    fts_close(tree);
    const struct idmap *m = &w->ov->journal->by_ino;
    for (size_t i = 0; i < m->n_slots; i++)
        if (m->slots[i].key && !idmap_get(&there, m->slots[i].key))
            prop_fail(w, "the journal still knows %llu", (unsigned long long)m->slots[i].key);
    idmap_done(&there);
}
