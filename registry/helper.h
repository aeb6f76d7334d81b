/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: docker-credential-NAME (docker's protocol). */
#pragma once

#include "base/strv.h"
#include "registry/auth_file.h"

/* `name` is checked (struct auth_answer). -ENOENT: there is no such program. What is not stored:
 * *ret all NULL. */
int helper_get(const char *name, const char *server, struct credentials *ret, struct err *err);
int helper_store(const char *name, const char *server, const struct credentials *c,
                 struct err *err);
int helper_erase(const char *name, const char *server, struct err *err);
/* Erases what is there; sets *ret_found when something was. */
int helper_forget(const char *name, const char *server, bool *ret_found, struct err *err);
/* Adds the servers that it has something for. */
int helper_list(const char *name, struct strv *ret, struct err *err);
