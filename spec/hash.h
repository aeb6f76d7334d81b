/* SPDX-License-Identifier: Apache-2.0 */
/* sha256, by libcrypto, which uses the processor's own instructions where there are some (1.9 GB/s
 * with SHA-NI, 0.5 without). */
#pragma once

#include "base/err.h"

#include <openssl/evp.h>
#include <stddef.h>

/* NULL is not started. */
int hash_begin(EVP_MD_CTX **ret, struct err *err);
int hash_add(EVP_MD_CTX *md, const void *data, size_t len, struct err *err);
/* "sha256:..." of all that was added. */
int hash_end(EVP_MD_CTX *md, char ret[static 72], struct err *err);

/* "sha256:..." of some bytes. */
int digest_of(const void *data, size_t len, char ret[static 72], struct err *err);
