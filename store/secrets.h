/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: small texts that containers get without being in an image.
 *
 * Theory of operation. A secret is one file, secrets/<name>.json, which appears whole and is
 * replaced whole: podman's members of `secret inspect`, and Data, its bytes in base64. Everybody
 * else is kept out by its mode. A container that has it has a copy (engine/create_secrets.h), so
 * nothing refers to a secret and its removal is an unlink. */
#pragma once

#include "store/store.h"

#define STORE_SECRET_MAX 512000 /* bytes, podman's limit */

/* Makes one, or with `replace` changes one of that name, which keeps its creation time. `labels` is
 * an object. *ret_id is allocated. ERR_EXISTS when there is one. */
int store_secret_create(struct store *s, const char *name, const json_t *labels, const void *data,
                        size_t len, bool replace, char **ret_id, struct err *err);

/* By name, id or unique start of an id: ID, CreatedAt, UpdatedAt, Spec and Data, a new reference.
 * ERR_NOT_FOUND: `no secret with name or id "x": no such secret`. */
int store_secret_find(struct store *s, const char *name, json_t **ret, struct err *err);

/* All, by name, without Data. */
int store_secret_list(struct store *s, json_t **ret, struct err *err);

/* Removes the secret that store_secret_find() finds; *ret_id is allocated. */
int store_secret_remove(struct store *s, const char *name, char **ret_id, struct err *err);

/* Its name. */
const char *store_secret_name(const json_t *secret);
