/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a path that someone else wrote inside a root directory.
 *
 * Symbolic links, absolute ones included, and ".." stay inside the root, whatever happens to the
 * tree meanwhile: openat2(RESOLVE_IN_ROOT), and where the kernel lacks it a component-by-component
 * walk with the same result. WHERRY_NO_OPENAT2=1 forces the walk, for the tests. */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* Opens `path` below `rootfd`. `flags` and `mode` as for open(2); O_CLOEXEC is added. Magic links
 * (/proc/PID/fd/N) are refused with -ELOOP. Returns the fd or a negative errno. */
int safe_open(int rootfd, const char *path, int flags, mode_t mode);

/* Opens an absolute path of the host in which no component may be a symbolic link: -ELOOP. For a
 * path that was resolved before. `flags` as for open(2). */
int safe_open_no_links(const char *path, int flags);

/* Makes every missing directory of `path` below `rootfd` with `mode` and returns an O_PATH
 * descriptor of the last. Links on the way are followed inside the root. */
int safe_mkdir_parents(int rootfd, const char *path, mode_t mode);

/* Splits a path into the part before the last component ("." if none) and the last component, both
 * allocated into *ret_dir and *ret_name. Trailing slashes are ignored; "/" gives "." and ".". */
void path_split(const char *path, char **ret_dir, char **ret_name);

/* Lexical clean-up as Go's path.Clean: no "//", "." or inner ".."; an absolute path never climbs
 * above "/". The caller frees. */
char *path_clean(const char *path);

/* `path` if absolute, else base + "/" + path; cleaned. The caller frees. */
char *path_join(const char *base, const char *path);

/* `path` as it is if absolute, else below the current directory; not cleaned, since "a/../b" with a
 * link at a is another place than "b". Allocated into *ret. */
int path_absolute(const char *path, char **ret, struct err *err);

/* Whether `path` is `dir` or lies in it, by their texts. */
bool path_is_within(const char *path, const char *dir);
