/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a volume.
 *
 * Theory of operation. A volume is a plain directory unless its options say otherwise: then each
 * container that starts with it gets a tmpfs of its own, or a directory of the host. They are
 * mounted in the container's namespace and nowhere else, so nothing has to be unmounted or counted,
 * and a tmpfs ends with the run. The words are those of mount(8) that an unprivileged user may say;
 * they are checked when the volume is made and, as volume.json is a file, whenever they are used.
 */
#pragma once

#include "base/cleanup.h"
#include "engine/sandbox_config.h"

struct volume_options {
    enum { VOLUME_PLAIN, VOLUME_TMPFS, VOLUME_BIND } kind;
    const char *device; /* VOLUME_BIND: an absolute path. Of the object that was parsed */
    bool read_only, no_suid, no_dev, no_exec, recursive;
    int64_t uid, gid; /* of its root, as a container sees them; -1: nothing was said */
    struct strv data; /* VOLUME_TMPFS: "size=1m"..., for the file system */
};

/* "Options" of volume.json: "type", "device", "o". Nothing is looked up. NULL and an empty object
 * are a plain volume. ERR_USAGE. */
int volume_options_parse(const json_t *options, struct volume_options *ret, struct err *err);
void volume_options_done(struct volume_options *o);

/* MS_RDONLY... of the mount. */
unsigned long volume_options_flags(const struct volume_options *o);
/* An owner that `ids` do not have is -EINVAL. */
int volume_options_check_owner(const struct volume_options *o, const struct id_maps *ids,
                               struct err *err);
/* What a container mounts in the place of the plain directory. Not for a plain volume. `copy`: it
 * begins with what the image has there (a directory of the host only when it is empty). */
int volume_options_apply(const struct volume_options *o, struct sandbox_config *config,
                         struct sandbox_mount *m, bool copy, struct err *err);

/* The directory with the volume's data, to read or `write`: the fd to close. A tmpfs, of which
 * nothing is kept, is -ENODATA. */
int volume_data_open(const struct store_volume *v, bool write, struct err *err);

DEFINE_AUTO(volume_options, volume_options_done)
