/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf, version 2 (containers-registries.conf(5)): where short names may come from, what
 * they stand for, and where a registry's images really are. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strv.h"
#include "spec/reference.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum short_name_mode { SHORT_NAMES_PERMISSIVE, SHORT_NAMES_ENFORCING, SHORT_NAMES_DISABLED };

enum mirror_use { MIRROR_ALL, MIRROR_DIGEST_ONLY, MIRROR_TAG_ONLY };

struct registry_mirror {
    char *location; /* "host:port/path" */
    bool insecure;
    enum mirror_use use;
};

/* One [[registry]] table. */
struct registry_rule {
    char *prefix;   /* "docker.io/library" or "*.example.com" */
    char *location; /* what stands in the prefix's place; NULL: the prefix itself */
    bool insecure, blocked;
    struct registry_mirror *mirrors;
    size_t n_mirrors;
};

struct registries {
    struct strv search;  /* unqualified-search-registries */
    struct strv helpers; /* credential-helpers, CREDENTIAL_FILES among them; empty: that alone */
    json_t *aliases;     /* object: short name -> full name without tag */
    enum short_name_mode mode;
    struct registry_rule *rules;
    size_t n_rules;
};

/* The name of the helper that stands for auth.json and its like. */
#define CREDENTIAL_FILES "containers-auth.json"

/* Whether it can be the NAME of a program docker-credential-NAME: no path, no blank. */
bool credential_helper_valid(const char *name);

/* No file at all: short names come from docker.io. */
void registries_init(struct registries *r);
void registries_done(struct registries *r);

/* Adds a file's content, which was TOML: what it says replaces what was said before, tables of the
 * same prefix as a whole, aliases one by one. On an error *r may be half changed. */
int registries_merge(struct registries *r, const json_t *file, struct err *err);

/* Only the table [aliases] of it: all that short-name-aliases.conf is read for. */
int registries_merge_aliases(struct registries *r, const json_t *file, struct err *err);

/* Reads the files that apply: `path`, else $CONTAINERS_REGISTRIES_CONF, else
 * ~/.config/containers/registries.conf, else /etc/containers/registries.conf; then the directories
 * /etc/containers/registries.conf.d and ~/.config/containers/registries.conf.d; then the aliases
 * that podman keeps, in $XDG_CACHE_HOME/containers/short-name-aliases.conf (root:
 * /var/cache/containers). Only the first two have to be there. Needs the TOML parser: part of the
 * library spec_config. */
int registries_load(const char *path, struct registries *ret, struct err *err);

/* Whether registries_load() would find a file at all. */
bool registries_present(const char *path);

/* The full references that `name` may stand for, best first; a name with a registry stands for
 * itself. Errors are ERR_USAGE. */
int registries_resolve(const struct registries *r, const char *name, struct strv *ret,
                       struct err *err);

/* A place to ask for an image. */
struct registry_endpoint {
    char *registry;   /* "host:port" */
    char *repository; /* "library/debian" */
    bool insecure;    /* certificates need not be right, and plain HTTP will do */
};

struct registry_endpoints {
    struct registry_endpoint *v;
    size_t n;
};

/* The mirrors that may be asked for it, then the registry itself. -EACCES: it is blocked. */
int registries_endpoints(const struct registries *r, const struct image_ref *ref,
                         struct registry_endpoints *ret, struct err *err);
void registry_endpoints_done(struct registry_endpoints *e);

/* The rule with the longest prefix of the reference, or NULL. Borrowed. */
const struct registry_rule *registries_find(const struct registries *r,
                                            const struct image_ref *ref);

DEFINE_AUTO(registries, registries_done)
DEFINE_AUTO(registry_endpoints, registry_endpoints_done)
