/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in to registries. Part of wherry-image only. */
#pragma once

#include "engine/access.h"

/* "quay.io" or "quay.io/name", for which credentials are kept: `typed` without a scheme; or, when
 * that is NULL, the first registry that short names come from. Allocated. */
int login_key(const char *typed, const struct registries *conf, char **ret, struct err *err);

/* The user that is stored for the key, or NULL; allocated. */
int login_user(const char *authfile, const char *key, const struct registries *conf, char **ret,
               struct err *err);

/* Whether the registry of the key takes the credentials of `a`, or else those that are stored. */
int login_check(const struct registry_access *a, const char *key, const struct registries *conf,
                struct err *err);

/* Checks user and password of `a` and stores them for the key. */
int login_store(const struct registry_access *a, const char *key, const struct registries *conf,
                struct err *err);

/* Removes what is stored for the key, or with NULL for all. ERR_NOT_FOUND: nothing was. */
int login_forget(const char *authfile, const char *key, const struct registries *conf,
                 struct err *err);
