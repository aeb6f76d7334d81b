/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers a container needs: whose namespaces it joins, and those of --requires.
 *
 * Theory of operation. "Dependencies" of config.json has their ids. The other way round each of
 * them has in its directory dependents/<id>, an empty file, made before the dependent is there for
 * others to see: so a removal asks one directory, however many containers there are. A file whose
 * container is gone says nothing. A container of --rm goes when it ends, whoever needs it: the user
 * asked for that, and nothing that runs loses a namespace by it. */
#pragma once

#include "engine/container.h"

/* Puts "Dependencies" into `document`: whom the modes in its HostConfig name, and `requires` (names
 * or ids; may be NULL). */
int create_dependencies(struct engine *e, const struct strv *requires, json_t *document,
                        struct err *err);

/* Tells those that `document` depends on of it. ERR_NOT_FOUND when one was removed meanwhile. */
int dependencies_announce(struct store *s, const json_t *document, struct err *err);

/* Takes that back, when `document` is not made after all or was removed. */
void dependencies_withdraw(struct store *s, const json_t *document);

/* Starts those that do not run. */
int dependencies_start(struct engine *e, const struct store_container *c, struct err *err);

/* Refuses, as ERR_IN_USE, when containers depend on this one. */
int dependents_check(struct store *s, const struct store_container *c, struct err *err);

/* The ids of all that depend on it, directly or not, each behind those that depend on itself;
 * appended. */
int dependents_all(struct store *s, const struct store_container *c, struct strv *ret,
                   struct err *err);
