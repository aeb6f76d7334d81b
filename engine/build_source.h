/* SPDX-License-Identifier: Apache-2.0 */
/* Where COPY and ADD read from: the build's context on the host, or another image.
 *
 * Paths are relative to the source's root without a leading "/" ("" is the root). Links are
 * resolved inside the root; nothing outside of it can be named. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"
#include "builder/dockerignore.h"
#include "overlay-fuse/core.h"

#include <stdbool.h>
#include <sys/stat.h>

struct build_source {
    int root_fd;                      /* the context's directory, or -1 */
    const struct ignore_list *ignore; /* the context's .dockerignore, or NULL */
    struct overlay *overlay;          /* an image, or NULL */
    int spool_dir;                    /* directory for unnamed temporary files */
    bool keep_owners;                 /* the objects' owners count (an image's), else 0:0 */
};

/* `follow`: a link in the last component stands for its target. */
int source_stat(const struct build_source *s, const char *path, bool follow, struct stat *ret);
int source_readlink(const struct build_source *s, const char *path, char **ret);
/* The names in a directory, sorted. */
int source_list(const struct build_source *s, const char *path, struct strv *ret);
/* A regular file, for reading at offset 0. Returns the fd. */
int source_open(const struct build_source *s, const char *path);
/* An unnamed file in s->spool_dir, for reading and writing. Returns the fd. */
int source_spool(const struct build_source *s);
/* True when .dockerignore keeps the path out. */
bool source_ignored(const struct build_source *s, const char *path);
/* True when it keeps a directory out with everything below it. */
bool source_pruned(const struct build_source *s, const char *path);

/* Expands one source of COPY into paths, sorted. A pattern without a match, or a path that does not
 * exist, is an error. */
int source_expand(const struct build_source *s, const char *pattern, struct strv *ret,
                  struct err *err);
