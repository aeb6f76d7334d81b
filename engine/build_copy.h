/* SPDX-License-Identifier: Apache-2.0 */
/* COPY and ADD into an overlay, in process, without a mount. */
#pragma once

#include "builder/build.h"
#include "engine/build_source.h"

/* Owner and mode that --chown and --chmod ask for. */
struct copy_attr {
    bool has_owner;
    uid_t uid;
    gid_t gid;
    const char *chmod; /* octal or symbolic, checked by the parser; NULL: as the source */
};

/* Resolves "user[:group]" with the image's /etc/passwd and /etc/group; a lone numeric user is its
 * own group, as docker has it. */
int copy_resolve_owner(struct overlay *ov, const char *spec, uid_t *ret_uid, gid_t *ret_gid,
                       struct err *err);

/* What the mode becomes under chmod's octal or symbolic form. */
mode_t copy_mode(const char *chmod, mode_t mode, bool is_dir);

/* Does one COPY or ADD. `unpack` unpacks local tar archives. */
int copy_into(struct overlay *to, const struct build_source *from, const struct build_copy *copy,
              struct err *err);
