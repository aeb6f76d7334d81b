/* SPDX-License-Identifier: Apache-2.0 */
/* sha256. */
#include "spec/hash.h"

#include <stdio.h>
#include <string.h>

static int failed(struct err *err)
{
    return err_set(err, -EIO, "sha256 is not available in libcrypto");
}

static void digest_text(const unsigned char *hash, char ret[static 72])
{
    strcpy(ret, "sha256:");
    for (int i = 0; i < 32; i++)
        sprintf(ret + 7 + 2 * i, "%02x", hash[i]);
}

int hash_begin(EVP_MD_CTX **ret, struct err *err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(md);
        return failed(err);
    }
    *ret = md;
    return 0;
}

int hash_add(EVP_MD_CTX *md, const void *data, size_t len, struct err *err)
{
    return EVP_DigestUpdate(md, data, len) == 1 ? 0 : failed(err);
}

int hash_end(EVP_MD_CTX *md, char ret[static 72], struct err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(md, hash, NULL) != 1)
        return failed(err);
    digest_text(hash, ret);
    return 0;
}

int digest_of(const void *data, size_t len, char ret[static 72], struct err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
        return failed(err);
    digest_text(hash, ret);
    return 0;
}
