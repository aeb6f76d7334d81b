/* SPDX-License-Identifier: Apache-2.0 */
/* From Config and HostConfig to what the sandbox differs in from the default one: what
 * engine/create_sandbox.h wrote. */
#pragma once

#include "engine/sandbox_config.h"

/* Fills the sandbox; `s` has the cache of compiled seccomp programs. */
int sandbox_security_read(struct sandbox_config *config, struct store *s,
                          const struct store_container *c, struct err *err);

/* podman's --read-only-tmpfs: adds a tmpfs where programs expect to be able to write. /dev and
 * /dev/shm are writable anyway. */
void sandbox_security_mounts(struct sandbox_config *config, const json_t *document);

/* Capabilities alone, and `privileged`. */
void sandbox_security_caps(const json_t *document, struct sandbox *sb);
/* Whether the command's user, as far as Config.User tells, is root. */
bool sandbox_security_is_root(const json_t *config);
