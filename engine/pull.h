/* SPDX-License-Identifier: Apache-2.0 */
/* Images from and to registries. Part of wherry-image only. */
#pragma once

#include "engine/access.h"
#include "engine/engine.h"
#include "engine/transfer.h"
#include "spec/platform.h"

enum pull_policy { /* cmd/registry_options.c has their names */
                   PULL_ALWAYS,
                   PULL_MISSING, /* only what is not here */
                   PULL_NEWER,   /* only what the registry has another image for */
                   PULL_NEVER,   /* only say whether it is here */
};

/* How somebody is told about the work. All calls come from the calling thread. */
struct transfer_watch {
    void (*say)(void *arg, const char *line);                       /* or NULL */
    void (*watch)(void *arg, const struct transfer *all, size_t n); /* or NULL */
    void *arg;
};

struct pull_options {
    const char *name;
    const struct platform *platform; /* NULL: this machine's */
    enum pull_policy policy;
    bool all_tags;
    struct registry_access access;
    struct transfer_watch watch;
};

/* Pulls the image, or all tags of a repository. Appends the ids to *ret_ids. */
int content_pull(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                 struct err *err);

/* The same as a part of other content work (a build), whose sweep cleans up after it. */
int content_pull_within(struct engine *e, const struct pull_options *o, struct strv *ret_ids,
                        struct err *err);

/* engine_options.name_candidates of a program that can read registries.conf itself. Errors are
 * those of the file, and ERR_USAGE for a name that it leads nowhere. */
int content_name_candidates(const char *path, const char *name, struct strv *ret, struct err *err);

enum push_compression { PUSH_GZIP, PUSH_ZSTD };

struct push_options {
    const char *image;       /* name or id */
    const char *destination; /* NULL: the image's name */
    bool docker;             /* manifest of docker's schema 2 instead of OCI's */
    bool oci;                /* OCI's also for an image that was committed as docker's */
    enum push_compression compression;
    struct registry_access access;
    struct transfer_watch watch;
};

/* ret_digest: of the manifest that the registry has now. */
int content_push(struct engine *e, const struct push_options *o, char ret_digest[static 72],
                 struct err *err);
