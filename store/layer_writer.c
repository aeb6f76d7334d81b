/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer.
 *
 * Theory of operation. Who has the bytes (inflates them, packs them) puts them into a ring; a
 * thread of the writer's takes them out and in one pass hashes them, writes them to
 * tmp/<random>/layer and lets the index be made of them (overlay-fuse/layer_index.h), while they
 * are in the cache. So on two processors the work is about halved, and nothing is read again. The
 * kernel is asked to begin writing to the disk as the bytes come, so the fsync at the end waits for
 * little. Then both files are synced, the index gets its name, and last the tar: the name in blobs/
 * is what makes the layer exist. A crash before that leaves a directory in tmp/ and at most an
 * index without a tar, both garbage. A layer that is there already is kept, and its index replaced
 * by the new one, which mends a damaged one.
 *
 * What the thread fails with is in w->thread_err; it breaks the ring, and the next call of the
 * other side reports it. */
#include "store/layer_writer.h"

#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/layer_index.h"
#include "spec/digest.h"
#include "spec/hash.h"
#include "store/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#define FLUSH_STEP (8u << 20)

struct layer_writer {
    struct staging st;
    int fd, index_fd;
    struct ring ring;
    uint64_t added;
    pthread_t thread;
    bool running;
    /* The thread's until it is joined. */
    EVP_MD_CTX *md;
    uint64_t size, flushed;
    char digest[72];
    int thread_result;
    struct err thread_err;
};

/* --- the thread --------------------------------------------------------------------------- */

bool layer_looks_like_tar(const void *head, size_t len)
{
    const unsigned char *h = head;
    unsigned sum = 0, want = 0;
    int signed_sum = 0; /* what old tars wrote */
    bool zero = true;
    if (len < 512)
        return false;
    for (int i = 0; i < 512; i++) {
        unsigned char b = i >= 148 && i < 156 ? ' ' : h[i];
        zero = zero && h[i] == 0;
        sum += b;
        signed_sum += (signed char)b;
    }
    int i = 148;
    while (i < 156 && h[i] == ' ')
        i++;
    for (; i < 156 && h[i] >= '0' && h[i] <= '7'; i++)
        want = want * 8 + (h[i] - '0');
    return zero || want == sum || (int)want == signed_sum;
}

static int store_block(struct layer_writer *w, const void *data, size_t len, struct err *err)
{
    if (w->size == 0 && !layer_looks_like_tar(data, len))
        return err_set(err, -EINVAL, "not a tar archive");
    int r = hash_add(w->md, data, len, err);
    if (r < 0)
        return r;
    r = write_full(w->fd, data, len);
    if (r < 0)
        return err_errno(err, r, "write layer");
    w->size += len;
    if (w->size - w->flushed >= FLUSH_STEP) {
        /* Advice: a file system that cannot do it does it at the fsync. */
        sync_file_range(w->fd, (off_t)w->flushed, (off_t)(w->size - w->flushed),
                        SYNC_FILE_RANGE_WRITE);
        w->flushed = w->size;
    }
    return 0;
}

/* What the index is made of has been stored. */
static ssize_t next_block(void *arg, const void **ret, struct err *err)
{
    struct layer_writer *w = arg;
    ssize_t n = ring_next(&w->ring, ret);
    if (n < 0)
        return err_set(err, (int)n, "given up");
    if (n == 0)
        return 0;
    int r = store_block(w, *ret, (size_t)n, err);
    return r < 0 ? r : n;
}

/* The first try read all of the tar; this one may read it twice. */
static int index_again(struct layer_writer *w, struct layer_index_stats *stats, struct err *err)
{
    err_clear(err);
    if (ftruncate(w->index_fd, 0) < 0 || lseek(w->index_fd, 0, SEEK_SET) < 0)
        return err_errno(err, -errno, "write a layer's index");
    return layer_index_write(w->fd, w->index_fd, stats, err);
}

static int work(struct layer_writer *w, struct err *err)
{
    struct layer_index_stats stats;
    int r = layer_index_stream(next_block, w, w->index_fd, &stats, err);
    if (r == -EAGAIN)
        r = index_again(w, &stats, err);
    if (r == 0 && w->size == 0)
        r = err_set(err, -EINVAL, "not a tar archive");
    return r < 0 ? r : hash_end(w->md, w->digest, err);
}

static void *thread_main(void *arg)
{
    struct layer_writer *w = arg;
    w->thread_result = work(w, &w->thread_err);
    if (w->thread_result < 0)
        ring_break(&w->ring);
    return NULL;
}

/* Signals are for the threads that know what to do with them. */
static int start_thread(struct layer_writer *w, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&w->thread, NULL, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return err_errno(err, -r, "start a thread");
    w->running = true;
    return 0;
}

static void join(struct layer_writer *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

/* --- who has the bytes -------------------------------------------------------------------- */

static int open_staged(const struct staging *st, const char *name, int *ret, struct err *err)
{
    *ret = openat(st->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*ret < 0 || fchmod(*ret, 0600) < 0)
        return err_errno(err, -errno, "create a layer in %s/" TMP_DIR, st->store->root);
    return 0;
}

int layer_writer_new(struct store *s, struct layer_writer **ret, struct err *err)
{
    auto_ptr(layer_writer) struct layer_writer *w = new0(struct layer_writer);
    w->st = (struct staging){.store = s, .fd = -1, .lock = -1};
    w->fd = w->index_fd = -1;
    ring_init(&w->ring);
    int r = store_staging_make(s, &w->st, err);
    if (r == 0)
        r = open_staged(&w->st, "layer", &w->fd, err);
    if (r == 0)
        r = open_staged(&w->st, "index", &w->index_fd, err);
    if (r == 0)
        r = hash_begin(&w->md, err);
    if (r == 0)
        r = start_thread(w, err);
    if (r == 0)
        *ret = take_ptr(w);
    return r;
}

void layer_writer_free(struct layer_writer *w)
{
    ring_break(&w->ring);
    join(w);
    close_fd(&w->fd);
    close_fd(&w->index_fd);
    EVP_MD_CTX_free(w->md);
    store_staging_done(&w->st);
    ring_done(&w->ring);
    free(w);
}

static int thread_failed(struct layer_writer *w, struct err *err)
{
    join(w);
    if (err)
        *err = w->thread_err;
    return w->thread_result;
}

int layer_writer_room(struct layer_writer *w, void **ret, size_t *ret_len, struct err *err)
{
    size_t n = ring_room(&w->ring, ret);
    if (n == 0)
        return thread_failed(w, err);
    *ret_len = n;
    return 0;
}

void layer_writer_put(struct layer_writer *w, size_t len)
{
    w->added += len;
    ring_put(&w->ring, len);
}

int layer_writer_add(struct layer_writer *w, const void *data, size_t len, struct err *err)
{
    while (len) {
        void *room;
        size_t n;
        int r = layer_writer_room(w, &room, &n, err);
        if (r < 0)
            return r;
        n = n < len ? n : len;
        memcpy(room, data, n);
        layer_writer_put(w, n);
        data = (const char *)data + n;
        len -= n;
    }
    return 0;
}

uint64_t layer_writer_size(const struct layer_writer *w)
{
    return w->added;
}

int layer_writer_finish(struct layer_writer *w, char ret_diff_id[static 72], struct err *err)
{
    ring_end(&w->ring);
    join(w);
    if (w->thread_result < 0)
        return thread_failed(w, err);
    strcpy(ret_diff_id, w->digest);
    return 0;
}

static int publish_index(const struct staging *st, const char *digest, struct err *err)
{
    struct blob_path path = store_index_path(digest);
    if (renameat(st->fd, "index", st->store->root_fd, path.s) < 0)
        return err_errno(err, -errno, "publish the index of %s", digest);
    return store_sync_dir(st->store->root_fd, INDEX_DIR, err);
}

int layer_writer_publish(struct layer_writer *w, struct content_layer *ret, struct err *err)
{
    if (fsync(w->fd) < 0)
        return err_errno(err, -errno, "sync layer");
    if (fsync(w->index_fd) < 0)
        return err_errno(err, -errno, "sync a layer's index");
    int r = publish_index(&w->st, w->digest, err);
    if (r == 0)
        r = store_blob_publish(&w->st, "layer", w->digest, err);
    if (r < 0)
        return r;
    *ret = (struct content_layer){.diff_id = xstrdup(w->digest), .size = (int64_t)w->size};
    return 0;
}

int content_layer_reindex(struct store *s, const char *diff_id, struct err *err)
{
    if (!digest_valid(diff_id))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", diff_id);
    auto_done(staging) struct staging st = {.store = s, .fd = -1, .lock = -1};
    struct blob_path path = store_blob_path(diff_id);
    struct store_place place = store_place(s, 0);
    store_blob_find(s, diff_id, &place);
    auto_close int tar =
        openat(place.fd, path.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (tar < 0)
        return err_errno(err, -errno, "layer %s", diff_id);
    auto_close int fd = -1;
    struct layer_index_stats stats;
    int r = store_staging_make(s, &st, err);
    if (r == 0)
        r = open_staged(&st, "index", &fd, err);
    if (r == 0)
        r = layer_index_write(tar, fd, &stats, err);
    if (r == 0 && fsync(fd) < 0)
        r = err_errno(err, -errno, "sync a layer's index");
    if (r == 0)
        r = publish_index(&st, diff_id, err);
    return r;
}
