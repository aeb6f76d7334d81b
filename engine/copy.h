/* SPDX-License-Identifier: Apache-2.0 */
/* cp: between containers, the host and tar streams. Part of wherry-image only. */
#pragma once

#include "engine/engine.h"

struct copy_options {
    const char *from, *to; /* PATH, CONTAINER:PATH, or "-" for a tar on stdin or stdout */
    bool overwrite;        /* a directory may be replaced by something else, and the other way */
    bool keep_owners;      /* the source's; else in a container its user's, on the host ours */
};

/* docker's and podman's rules: what is a file is copied to a file, or into a directory that is
 * there; a directory to a name that is not there yet, or into a directory under its own name, or,
 * with "/." behind it, what is in it. Relative paths of a container start in its working directory.
 * A tar is unpacked into a directory that is there. */
int container_copy(struct engine *e, const struct copy_options *o, struct err *err);
