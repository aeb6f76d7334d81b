/* SPDX-License-Identifier: Apache-2.0 */
/* Which process the kernel kills first for want of memory. */
#include "runtime/oom_score.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int oom_score_set(const struct sandbox *sb, struct err *err)
{
    static const char file[] = "/proc/self/oom_score_adj";
    char text[16];
    auto_buf now = {0};
    if (!sb->adjust_oom_score)
        return 0;
    auto_close int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, -errno, "%s", file);
    snprintf(text, sizeof(text), "%d", sb->oom_score);
    int r = write_full(fd, text, strlen(text));
    if (r != -EACCES)
        return r < 0 ? err_errno(err, r, "set %s to %s", file, text) : 0;
    file_read_at(AT_FDCWD, file, sizeof(text), &now, NULL);
    return err_set(err, r, "--oom-score-adj %s: it is %.*s here, and only root may lower it", text,
                   (int)strcspn(buf_str(&now), "\n"), buf_str(&now));
}
