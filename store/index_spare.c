/* SPDX-License-Identifier: Apache-2.0 */
/* Removing an image where no inode and no byte is free.
 *
 * Theory of operation. index.json is replaced by a rename, so for a moment there are two of it, and
 * on a full disk the second one cannot be made: nothing could be removed because there is no room.
 * So the second one is made in advance: index.spare is a file that has the blocks for the present
 * index.json. A removal that finds no room writes what is to be index.json there, where nothing has
 * to be allocated, and renames it; the blocks of the old one become the next spare. All under the
 * exclusive index lock. What is in the spare means nothing, so it is never synced before its use,
 * and a store without one (of an older version, or on a disk that was full all the time) works. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE "index.spare"
/* A block of most file systems: small changes of size need no new spare. */
#define SPARE_STEP 4096

void store_index_keep_spare(struct store *s)
{
    struct stat have, spare;
    if (fstatat(s->root_fd, "index.json", &have, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    off_t need = (have.st_size + SPARE_STEP - 1) / SPARE_STEP * SPARE_STEP;
    if (fstatat(s->root_fd, SPARE, &spare, AT_SYMLINK_NOFOLLOW) == 0 && spare.st_size >= need &&
        spare.st_blocks * 512 >= need)
        return;
    auto_close int fd =
        openat(s->root_fd, SPARE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && posix_fallocate(fd, 0, need) != 0)
        unlinkat(s->root_fd, SPARE, 0); /* what there is room for is better used by others */
}

static int write_spare(struct store *s, const json_t *index, struct err *err)
{
    auto_free char *text = json_text(index);
    size_t len = strlen(text);
    /* Never truncated before it is written: the blocks are what it is kept for. */
    auto_close int fd = openat(s->root_fd, SPARE, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    int r = fd < 0 ? -ENOSPC : write_full(fd, text, len);
    if (r == 0 && (ftruncate(fd, (off_t)len) < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0 ||
                   renameat(s->root_fd, SPARE, s->root_fd, "index.json") < 0))
        r = -errno;
    return r < 0 ? err_errno(err, r, "write index.json") : store_sync_dir(s->root_fd, ".", err);
}

int store_index_write_less(struct store *s, const json_t *index, struct err *err)
{
    int r = store_index_write(s, index, err);
    if (r != -ENOSPC && r != -EDQUOT)
        return r;
    r = write_spare(s, index, err);
    if (r == 0)
        store_index_keep_spare(s);
    return r;
}
