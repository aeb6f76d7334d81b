/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms, and choosing from an image index. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "spec/image.h"

/* What an image is for, in OCI terms: "linux", "arm64", "v8". */
struct platform {
    char *os, *architecture, *variant; /* variant: NULL or "" for none */
};

void platform_done(struct platform *p);
/* This machine's. */
void platform_host(struct platform *ret);
/* "linux/arm64/v8", "linux/amd64", or an architecture or "linux" alone, in any case; "aarch64" and
 * "x86_64" are understood. What is not said is this machine's. ERR_USAGE. */
int platform_parse(const char *s, struct platform *ret, struct err *err);
/* Replaces the architecture, in OCI's name; the variant goes when it is another's. */
void platform_set_architecture(struct platform *p, const char *architecture);
/* "linux/arm64/v8"; the caller frees. */
char *platform_string(const struct platform *p);
/* What a configuration says of it; v8 of arm64, which has no other, is left out as docker does. */
void platform_put(const struct platform *p, struct image_config *config);
/* Whether an image for `has` runs where `want` does: how well, 0: not at all. */
int platform_match(const struct platform *want, const struct platform *has);

/* An image index (OCI) or manifest list (docker). */
struct index_entry {
    struct descriptor descriptor;
    struct platform platform; /* all NULL: the index does not say */
};
struct image_index {
    struct index_entry *entries;
    size_t n;
};

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };
/* What the document is. One that could be read as both, and docker's schema 1, are errors.
 * `media_type` is what came with the document (a Content-Type, parameters allowed) or NULL: one
 * that contradicts the document is an error, as readers would differ about it (CVE-2021-41190). */
int manifest_kind(const json_t *json, const char *media_type, enum manifest_kind *ret,
                  struct err *err);

int image_index_parse(const json_t *json, struct image_index *ret, struct err *err);
void image_index_done(struct image_index *index);
/* The image for that platform. ERR_NOT_FOUND names what there is. *ret is borrowed. */
int image_index_choose(const struct image_index *index, const struct platform *want,
                       const struct descriptor **ret, struct err *err);

DEFINE_AUTO(platform, platform_done)
DEFINE_AUTO(image_index, image_index_done)
