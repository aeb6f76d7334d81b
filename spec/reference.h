/* SPDX-License-Identifier: Apache-2.0 */
/* Image references: [registry/]repository[:tag][@digest], normalised as docker does it:
 * "hello" is docker.io/library/hello:latest, "javaedge/vim" is docker.io/javaedge/vim:latest,
 * "localhost/x" and "host:5000/x" keep their registry. Grammar: distribution/reference. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>

struct image_ref {
    char *registry;   /* "docker.io" */
    char *repository; /* "library/hello" */
    char *tag;        /* "latest"; NULL when only a digest was given */
    char *digest;     /* "sha256:...", or NULL */
    bool short_name;  /* no registry was written: other registries may be tried */
};

/* Parses and checks. Errors are ERR_USAGE: `invalid reference "X": repository name must be
 * lowercase`... */
int image_ref_parse(const char *s, struct image_ref *ret, struct err *err);
void image_ref_done(struct image_ref *ref);
/* "docker.io/library/hello:latest" (or "...@sha256:..." without a tag); the caller frees. */
char *image_ref_string(const struct image_ref *ref);
/* "docker.io/library/hello"; the caller frees. */
char *image_ref_repository(const struct image_ref *ref);

DEFINE_AUTO(image_ref, image_ref_done)
