/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: create, list, inspect, remove, prune.
 *
 * Theory of operation. A volume is a plain directory of the user, bound into containers. With
 * subordinate ids the files in it have the owners that the containers gave them, as seen from the
 * host; with a single id they are all the user's. volume.json is the part of `volume inspect` that
 * never changes. */
#pragma once

#include "engine/engine.h"

struct volume_create_options {
    const char *name;           /* NULL: 64 random hexadecimal digits */
    const struct strv *labels;  /* NAME=value; or NULL */
    const struct strv *options; /* KEY=VALUE (engine/volume_options.h); or NULL */
    bool anonymous;             /* it goes with its container (rm -v, --rm) */
    bool durable;               /* must outlive a power failure */
};

/* Makes one. ERR_EXISTS when the name is taken. *ret_name is allocated. */
int volume_create(struct engine *e, const struct volume_create_options *o, char **ret_name,
                  struct err *err);

/* Those that match, by name, as podman shows them. Filters: after, anonymous, dangling, driver,
 * label, label!, name, opt, scope, since, until. A new reference. */
int volume_list(struct engine *e, const struct strv *filters, json_t **ret, struct err *err);
/* The same for one. */
int volume_inspect(struct engine *e, const char *name, json_t **ret, struct err *err);

/* Removes one by its name or the start of it. ERR_IN_USE when containers have it; with `force` they
 * are killed after `timeout` seconds and removed. */
int volume_remove(struct engine *e, const char *name, bool force, int64_t timeout, struct err *err);
/* Filters of prune, before anybody is asked: label, label!, until. */
int volume_prune_check_filters(const struct strv *filters, struct err *err);
/* Names of the volumes that no container has and that match, appended. */
int volume_prune_list(struct engine *e, const struct strv *filters, struct strv *ret,
                      struct err *err);
/* Removes those; appends the names of what went and adds its bytes. */
int volume_prune(struct engine *e, const struct strv *filters, struct strv *ret, uint64_t *bytes,
                 struct err *err);

/* The anonymous volumes of a container that is removed (its config.json), those that no other has.
 * What cannot be removed stays for `volume prune`. */
void volumes_remove_anonymous(struct store *s, const json_t *container);
