/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that a user has stored: which files, and programs that keep them. */
#pragma once

#include "base/strv.h"
#include "registry/auth_file.h"

/* Who may have them. Files: `authfile` or $REGISTRY_AUTH_FILE alone; else
 * $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json,
 * $DOCKER_CONFIG/config.json or ~/.docker/config.json, of which the first that knows something
 * counts. */
struct credential_places {
    const char *authfile;       /* --authfile, or NULL */
    const struct strv *helpers; /* registries.conf's credential-helpers; NULL: the files alone */
};

/* Finds what is stored for a registry, or for a repository of it (or NULL): the first place that
 * knows something counts. A helper knows whole registries only. One that fails is passed over, and
 * its error returned when no other knows anything. Nothing found: *ret all NULL. */
int credentials_find(const struct credential_places *p, const char *registry,
                     const char *repository, struct credentials *ret, struct err *err);

/* Stores them for `key` ("quay.io", "quay.io/name") with the first helper that takes them; in the
 * first of the files, mode 0600, or with the helper that this names. */
int credentials_store(const struct credential_places *p, const char *key,
                      const struct credentials *c, struct err *err);
/* Removes them everywhere; *ret_found tells whether there were any. A NULL key: all. */
int credentials_erase(const struct credential_places *p, const char *key, bool *ret_found,
                      struct err *err);
