/* SPDX-License-Identifier: Apache-2.0 */
/* The files in which credentials are stored, and the programs that these files name. */
#pragma once

#include "registry/auth_file.h"

/* Which files: credentials.h. */
int credential_files_find(const char *authfile, const char *registry, const char *repository,
                          struct credentials *ret, struct err *err);
int credential_files_store(const char *authfile, const char *key, const struct credentials *c,
                           struct err *err);
/* Sets *ret_found when there was something. A NULL key: all. */
int credential_files_erase(const char *authfile, const char *key, bool *ret_found, struct err *err);
