/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that a user has stored: which files, and programs that keep them. */
#pragma once

#include "registry/auth_file.h"

/* Finds what is stored for a registry, or for a repository of it (or NULL). Files: `authfile` or
 * $REGISTRY_AUTH_FILE alone; else $XDG_RUNTIME_DIR/containers/auth.json,
 * ~/.config/containers/auth.json, $DOCKER_CONFIG/config.json or ~/.docker/config.json, of which the
 * first that knows something counts. Nothing found: *ret all NULL. */
int credentials_find(const char *authfile, const char *registry, const char *repository,
                     struct credentials *ret, struct err *err);

/* Stores them for `key` ("quay.io", "quay.io/name") in the first of those files, mode 0600, or with
 * the helper it names. */
int credentials_store(const char *authfile, const char *key, const struct credentials *c,
                      struct err *err);
/* Removes them; *ret_found tells whether there were any. A NULL key: all. */
int credentials_erase(const char *authfile, const char *key, bool *ret_found, struct err *err);
