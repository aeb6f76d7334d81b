/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a layer, and whether its index was checked already.
 *
 * Theory of operation. The check of an index reads all of it, which takes longer with every file of
 * an image. What was checked is good until it is changed, and the kernel tells a change: device,
 * inode, size, time of change of status. So after a check that found nothing the identity of the
 * file is noted in the run directory, as the target of a link "checked/<hex>" (made and read with
 * one call, never half-written), and whoever finds the same identity there leaves the check out.
 *
 * That is as good as a check at every open: the index is mapped and used long after one, so damage
 * that comes without a write (a disk that forgets) was never seen in between. The notes go with the
 * run directory at the next boot, the time of power failures, and `system check` asks no note. Who
 * could forge one can write the index itself. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECKED_DIR "checked"
/* Times of a file system are no finer than its server's clock tick: what was changed just now may
 * change again within the same one. */
#define SETTLED_AFTER 2 /* seconds */

static struct blob_path note_path(const char *diff_id)
{
    struct blob_path p;
    snprintf(p.s, sizeof(p.s), CHECKED_DIR "/%.64s", digest_hex(diff_id));
    return p;
}

static void identity(const struct stat *st, char ret[static STORE_IDENTITY])
{
    snprintf(ret, STORE_IDENTITY, "%llx-%llx-%llx-%llx.%09lu-%llx.%09lu",
             (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
             (unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
             (unsigned long)st->st_mtim.tv_nsec, (unsigned long long)st->st_ctim.tv_sec,
             (unsigned long)st->st_ctim.tv_nsec);
}

static bool is_noted(const struct store *s, const char *diff_id, const char *seen)
{
    char text[STORE_IDENTITY];
    struct blob_path note = note_path(diff_id);
    ssize_t n = readlinkat(s->run_fd, note.s, text, sizeof(text));
    return n > 0 && (size_t)n == strlen(seen) && memcmp(text, seen, (size_t)n) == 0;
}

void store_layer_note_checked(struct store *s, const char *diff_id, const struct layer_files *f)
{
    if (!*f->seen || f->checked || time(NULL) - f->changed < SETTLED_AFTER)
        return;
    struct blob_path note = note_path(diff_id);
    if (unlinkat(s->run_fd, note.s, 0) < 0 && errno == ENOENT)
        store_mkdir(s->run_fd, CHECKED_DIR, NULL);
    if (symlinkat(f->seen, s->run_fd, note.s) < 0)
        return; /* another has noted it, or the next one checks again */
}

void store_layer_forget(struct store *s, const char *hex)
{
    auto_free char *path = xasprintf(CHECKED_DIR "/%.64s", hex);
    unlinkat(s->run_fd, path, 0);
}

bool store_is_layer_notes(const char *name)
{
    return strcmp(name, CHECKED_DIR) == 0;
}

/* Where the layer is, and its size. */
static int find_tar(struct store *s, const char *diff_id, struct store_place *ret,
                    struct stat *ret_st, struct err *err)
{
    if (!digest_valid(diff_id))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", diff_id);
    struct blob_path path = store_blob_path(diff_id);
    for (size_t i = 0; i <= s->n_lowers; i++) {
        struct store_place p = store_place(s, i);
        struct stat st;
        if (fstatat(p.fd, path.s, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!S_ISREG(st.st_mode))
            return err_set(err, -EINVAL, "layer %s is no regular file", diff_id);
        *ret = p;
        *ret_st = st;
        return 0;
    }
    return err_kind(err, ERR_NOT_FOUND, -ENOENT, "layer %s is missing", diff_id);
}

int store_layer_size(struct store *s, const char *diff_id, int64_t *ret, struct err *err)
{
    struct store_place p;
    struct stat st;
    int r = find_tar(s, diff_id, &p, &st, err);
    if (r == 0)
        *ret = (int64_t)st.st_size;
    return r;
}

int store_layer_files(struct store *s, const char *diff_id, struct layer_files *ret,
                      struct err *err)
{
    struct store_place p;
    struct stat st;
    int r = find_tar(s, diff_id, &p, &st, err);
    if (r < 0)
        return r;
    struct blob_path blob = store_blob_path(diff_id), index = store_index_path(diff_id);
    struct layer_files f = {.tar = xasprintf("%s/%s", p.root, blob.s)};
    bool there = fstatat(s->root_fd, index.s, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool theirs = !there && p.lower && store_index_usable(&p, diff_id, &st);
    f.index = xasprintf("%s/%s", theirs ? p.root : s->root, index.s);
    if ((there || theirs) && S_ISREG(st.st_mode)) {
        identity(&st, f.seen);
        f.changed = st.st_ctim.tv_sec;
        f.checked = is_noted(s, diff_id, f.seen);
    }
    *ret = f;
    return 0;
}

void layer_files_done(struct layer_files *f)
{
    free(f->tar);
    free(f->index);
    *f = (struct layer_files){0};
}
