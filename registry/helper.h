/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: docker-credential-NAME (docker's protocol). */
#pragma once

#include "registry/auth_file.h"

/* `name` is checked (struct auth_answer). -ENOENT: there is no such program. What is not stored:
 * *ret all NULL. */
int helper_get(const char *name, const char *server, struct credentials *ret, struct err *err);
int helper_store(const char *name, const char *server, const struct credentials *c,
                 struct err *err);
int helper_erase(const char *name, const char *server, struct err *err);
