/* SPDX-License-Identifier: Apache-2.0 */
/* --secret of create and run: from the option to the file or variable that a container sees.
 *
 * Theory of operation. What a secret says when the container is made is copied into the container's
 * directory, secrets/<number>, so that it starts the same way whatever becomes of the secret, and
 * goes with the container. "Secrets" of Config names them in this order: Name, ID, UID, GID and
 * Mode as podman has them, and Target (a path) or Env (a variable). */
#pragma once

#include "engine/container.h"
#include "engine/sandbox_config.h"

/* NAME[,type=mount|env][,target=...][,uid=0][,gid=0][,mode=0444] of each of `options` (may be NULL)
 * into Config of `document`. */
int create_secrets(struct engine *e, const struct strv *options, json_t *document, struct err *err);

/* "Secrets" of a container; NULL when it has none. Borrowed. */
const json_t *secrets_of(const struct store_container *c);

/* Copies what they say into the directory of a new container. */
int secrets_copy(struct engine *e, const struct store_container *c, struct err *err);

/* Adds them to the sandbox's mounts and environment. */
int sandbox_secrets_read(struct sandbox_config *config, const struct store_container *c,
                         struct err *err);
