/* SPDX-License-Identifier: Apache-2.0 */
/* The image of `run` and `create`: here, or pulled first. */
#pragma once

#include "cmd/command.h"

struct image_pull_values {
    char *policy, *platform, *arch, *os, *variant, *authfile, *tls_verify;
    bool quiet;
};

/* Sees to it that the image is in the store. *ret_id: what it is when it had to be asked for; NULL
 * when its name finds it. Allocated. The pull itself is another program's work, which prints its
 * own errors: the error then says nothing but the status (ERR_EXIT). */
int image_pull_wanted(struct invocation *in, const struct image_pull_values *v, const char *image,
                      char **ret_id, struct err *err);
