/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer.
 *
 * Theory of operation. The bytes go to tmp/<random>/layer and through sha256 on the way, once. The
 * kernel is asked to begin writing them to the disk as they come, so the fsync at the end waits for
 * little; meanwhile the index is made from the page cache. Then both files are synced, the index
 * gets its name, and last the tar: the name in blobs/ is what makes the layer exist. A crash before
 * that leaves a directory in tmp/ and at most an index without a tar, both garbage. A layer that is
 * there already is kept, and its index replaced by the new one, which mends a damaged one. */
#include "store/layer_writer.h"

#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/layer_index.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_STEP (8u << 20)

static int crypto_failed(struct err *err)
{
    return err_set(err, -EIO, "sha256 is not available in libcrypto");
}

static void digest_text(const unsigned char *hash, char out[static 72])
{
    strcpy(out, "sha256:");
    for (int i = 0; i < 32; i++)
        sprintf(out + 7 + 2 * i, "%02x", hash[i]);
}

int content_digest(const void *data, size_t len, char out[static 72], struct err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
        return crypto_failed(err);
    digest_text(hash, out);
    return 0;
}

int layer_writer_open(struct store *s, struct layer_writer *ret, struct err *err)
{
    auto_done(layer_writer) struct layer_writer w = {
        .st = {.store = s, .fd = -1, .lock = -1},
        .fd = -1,
    };
    int r = store_staging_make(s, &w.st, err);
    if (r < 0)
        return r;
    w.fd = openat(w.st.fd, "layer", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w.fd < 0 || fchmod(w.fd, 0600) < 0)
        return err_errno(err, -errno, "create a layer in %s/" TMP_DIR, s->root);
    w.md = EVP_MD_CTX_new();
    if (!w.md || EVP_DigestInit_ex(w.md, EVP_sha256(), NULL) != 1)
        return crypto_failed(err);
    *ret = w;
    w = (struct layer_writer){.st = {.fd = -1, .lock = -1}, .fd = -1};
    return 0;
}

void layer_writer_done(struct layer_writer *w)
{
    close_fd(&w->fd);
    EVP_MD_CTX_free(w->md);
    w->md = NULL;
    store_staging_done(&w->st);
}

/* A tar begins with a header whose checksum is right, or, when it is empty, with zeros. */
static bool looks_like_tar(const unsigned char h[static 512])
{
    unsigned sum = 0, want = 0;
    int signed_sum = 0; /* what old tars wrote */
    bool zero = true;
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

static int not_a_tar(struct err *err)
{
    return err_set(err, -EINVAL, "not a tar archive");
}

int layer_writer_add(struct layer_writer *w, const void *data, size_t len, struct err *err)
{
    if (w->size < sizeof(w->head)) {
        size_t room = sizeof(w->head) - w->size, n = len < room ? len : room;
        memcpy(w->head + w->size, data, n);
        if (n == room && !looks_like_tar(w->head))
            return not_a_tar(err);
    }
    if (EVP_DigestUpdate(w->md, data, len) != 1)
        return crypto_failed(err);
    int r = write_full(w->fd, data, len);
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

/* Makes and syncs the index of `tar_fd` in the staging directory. */
static int make_index(const struct staging *st, int tar_fd, struct err *err)
{
    auto_close int fd = openat(st->fd, "index", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0)
        return err_errno(err, -errno, "create a layer's index");
    if (lseek(tar_fd, 0, SEEK_SET) < 0)
        return err_errno(err, -errno, "read layer");
    struct layer_index_stats stats;
    int r = layer_index_write(tar_fd, fd, &stats, err);
    if (r < 0)
        return r;
    return fsync(fd) < 0 ? err_errno(err, -errno, "sync a layer's index") : 0;
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
    unsigned char hash[EVP_MAX_MD_SIZE];
    char digest[72];
    if (w->size < sizeof(w->head))
        return not_a_tar(err);
    if (EVP_DigestFinal_ex(w->md, hash, NULL) != 1)
        return crypto_failed(err);
    digest_text(hash, digest);
    int r = make_index(&w->st, w->fd, err);
    if (r < 0)
        return r;
    if (fsync(w->fd) < 0)
        return err_errno(err, -errno, "sync layer");
    r = publish_index(&w->st, digest, err);
    if (r == 0)
        r = store_blob_publish(&w->st, "layer", digest, err);
    if (r < 0)
        return r;
    *ret = (struct content_layer){.diff_id = xstrdup(digest), .size = (int64_t)w->size};
    return 0;
}

int content_layer_reindex(struct store *s, const char *diff_id, struct err *err)
{
    if (!digest_valid(diff_id))
        return err_set(err, -EINVAL, "\"%.80s\" is not a sha256 digest", diff_id);
    auto_done(staging) struct staging st = {.store = s, .fd = -1, .lock = -1};
    struct blob_path path = store_blob_path(diff_id);
    auto_close int tar = openat(s->root_fd, path.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (tar < 0)
        return err_errno(err, -errno, "layer %s", diff_id);
    int r = store_staging_make(s, &st, err);
    if (r == 0)
        r = make_index(&st, tar, err);
    if (r == 0)
        r = publish_index(&st, diff_id, err);
    return r;
}
