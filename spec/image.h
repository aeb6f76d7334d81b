/* SPDX-License-Identifier: Apache-2.0 */
/* The image configuration (OCI image spec 1.1, config.md, with Docker's additions) and manifest.
 * What these structs do not know is kept in `extra` and written back, so nothing gets lost when an
 * image passes through a commit. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct image_history {
    char *created; /* RFC 3339 */
    char *created_by;
    char *author;
    char *comment;
    bool empty_layer;
};

/* The "config" object: how a container of the image runs by default. */
struct image_run_config {
    char *user;
    char *working_dir;
    char *stop_signal;
    struct strv env; /* NAME=value */
    struct strv entrypoint;
    struct strv cmd;
    bool has_entrypoint, has_cmd; /* present, maybe empty */
    struct strv volumes;          /* paths, sorted */
    struct strv ports;            /* "80/tcp", sorted */
    json_t *labels;               /* object of strings, never NULL after init or parse */
    json_t *extra;                /* all other members: Healthcheck, Shell, OnBuild... */
};

struct image_config {
    char *created;
    char *author;
    char *architecture; /* never NULL after init */
    char *os;
    char *variant;
    struct image_run_config run;
    struct strv diff_ids; /* bottom first */
    struct image_history *history;
    size_t n_history;
    json_t *extra;
};

/* An empty configuration for this machine's platform. */
void image_config_init(struct image_config *c);
void image_config_done(struct image_config *c);
void image_config_copy(const struct image_config *from, struct image_config *to);
/* Every digest is checked; the number of non-empty history entries must equal the layers when there
 * is a history at all. */
int image_config_parse(const json_t *json, struct image_config *ret, struct err *err);
/* A new reference; members sorted when printed with json_text(). */
json_t *image_config_json(const struct image_config *c);
/* Appends a history entry (copies). */
void image_config_add_history(struct image_config *c, const struct image_history *h);
/* What `arch` is called in OCI ("amd64", "arm64") on this machine. */
const char *platform_architecture(void);

#define MEDIA_OCI_INDEX      "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST   "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG     "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER      "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"

#define MEDIA_DOCKER_SCHEMA1    "application/vnd.docker.distribution.manifest.v1"
#define MEDIA_DOCKER_LIST       "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST   "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG     "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER      "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct descriptor {
    char *media_type;
    char *digest;
    int64_t size;
};

struct manifest {
    struct descriptor config;
    struct descriptor *layers; /* bottom first */
    size_t n_layers;
    json_t *annotations; /* object or NULL */
};

int manifest_parse(const json_t *json, struct manifest *ret, struct err *err);
json_t *manifest_json(const struct manifest *m);
/* Whether it is docker's schema 2, which only the configuration's media type tells for sure: an OCI
 * manifest need not say its own. */
bool manifest_is_docker(const struct manifest *m);
void manifest_done(struct manifest *m);

DEFINE_AUTO(image_config, image_config_done)
DEFINE_AUTO(manifest, manifest_done)
