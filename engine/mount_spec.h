/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts as the command line says them: -v, --mount, --tmpfs. Text in, a description out; nothing
 * is looked up. The words and the messages are podman's. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>

enum mount_type { MOUNT_TYPE_BIND, MOUNT_TYPE_VOLUME, MOUNT_TYPE_TMPFS, MOUNT_TYPE_IMAGE };

struct mount_spec {
    enum mount_type type;
    char *
        source; /* bind: a path as it was given; volume: its name, NULL: anonymous; image: a name */
    char *target;            /* absolute, cleaned, never "/" */
    char *subpath;           /* below the volume or image; NULL: all of it */
    const char *propagation; /* "rslave"...; NULL: none was asked for. A constant */
    const char *label;       /* "z" or "Z"; NULL: none. A constant */
    bool read_only;
    struct strv options; /* all others as inspect shows them: "noexec", "rbind", "size=1m"... */
};

/* -v [SOURCE:]TARGET[:OPTIONS] */
int mount_spec_volume(const char *text, struct mount_spec *ret, struct err *err);
/* --mount type=TYPE,KEY=VALUE... */
int mount_spec_mount(const char *text, struct mount_spec *ret, struct err *err);
/* --tmpfs TARGET[:OPTIONS] */
int mount_spec_tmpfs(const char *text, struct mount_spec *ret, struct err *err);
/* An anonymous volume, or a tmpfs, at `path`, which an image named: it is taken as it is, since a
 * colon in it must not make it a mount of the host. */
int mount_spec_of_image(const char *path, bool tmpfs, struct mount_spec *ret, struct err *err);
void mount_spec_done(struct mount_spec *spec);

DEFINE_AUTO(mount_spec, mount_spec_done)
