/* SPDX-License-Identifier: Apache-2.0 */
/* auth.json (containers-auth.json(5)) and docker's config.json: whose credentials are for what. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct credentials {
    char *user, *password;
    char *identity_token; /* in place of a password */
};
void credentials_done(struct credentials *c);

/* What a file says about a registry: credentials, or a program that has them. */
struct auth_answer {
    struct credentials credentials;
    char *helper;          /* NAME of docker-credential-NAME; valid as a part of a file name */
    char *server;          /* what to ask the helper for */
    bool helper_is_stated; /* named for this registry, not for all: it must be there */
};
void auth_answer_done(struct auth_answer *a);

/* Looks up `registry` or, with a repository, the most specific of registry/a/b, registry/a,
 * registry. Nothing found: *ret all NULL. -EINVAL: the file is damaged. */
int auth_file_find(const json_t *file, const char *registry, const char *repository,
                   struct auth_answer *ret, struct err *err);

/* The helper that keeps credentials for `key` when they are to be stored in this file, or NULL; the
 * caller frees. */
int auth_file_helper(const json_t *file, const char *key, char **ret, struct err *err);

/* What such a helper calls `key`: docker.io has a name of its own. Borrowed. */
const char *auth_file_server(const char *key);

/* Puts credentials for `key` ("quay.io" or "quay.io/name") into the file; what else is in it
 * stays. */
void auth_file_put(json_t *file, const char *key, const struct credentials *c);
/* Removes them, under each way the key may be written; true when there was something. */
bool auth_file_remove(json_t *file, const char *key);

DEFINE_AUTO(credentials, credentials_done)
DEFINE_AUTO(auth_answer, auth_answer_done)
