/* SPDX-License-Identifier: Apache-2.0 */
/* The image of `run` and `create`: here, or pulled first. */
#pragma once

#include "cmd/command.h"
#include "cmd/platform_options.h"

struct image_pull_values {
    struct platform_values platform;
    char *policy, *authfile, *tls_verify;
    bool quiet;
};

/* Finds the image in the store, where it is pulled to before if need be. The pull itself is another
 * program's work, which prints its own errors: the error then says nothing but the status
 * (ERR_EXIT). ERR_NOT_FOUND: somebody removed it again at once. */
int image_pull_wanted(struct invocation *in, const struct image_pull_values *v, const char *image,
                      struct store_image *ret, struct err *err);
