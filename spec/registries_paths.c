/* SPDX-License-Identifier: Apache-2.0 */
/* Where registries.conf and what belongs to it are. */
#include "spec/registries_paths.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/registries.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/containers/registries.conf"
#define USER_FILE   ".config/containers/registries.conf"
#define ALIAS_FILE  "containers/short-name-aliases.conf"

void registries_paths_done(struct registries_paths *p)
{
    free(p->main);
    free(p->user_dir);
    free(p->aliases);
    *p = (struct registries_paths){0};
}

static const char *non_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static char *alias_path(const char *home)
{
    const char *cache = non_empty(getenv("XDG_CACHE_HOME"));
    if (geteuid() == 0)
        return xstrdup("/var/cache/" ALIAS_FILE);
    if (cache)
        return xasprintf("%s/" ALIAS_FILE, cache);
    return home ? xasprintf("%s/.cache/" ALIAS_FILE, home) : NULL;
}

void registries_paths_find(const char *stated, struct registries_paths *ret)
{
    const char *home = non_empty(getenv("HOME"));
    auto_free char *user_file = home ? xasprintf("%s/" USER_FILE, home) : NULL;
    const char *path = non_empty(stated);
    if (!path)
        path = non_empty(getenv("CONTAINERS_REGISTRIES_CONF"));
    if (!path && user_file && exists_at(AT_FDCWD, user_file))
        path = user_file;
    if (!path && exists_at(AT_FDCWD, SYSTEM_FILE))
        path = SYSTEM_FILE;
    *ret = (struct registries_paths){
        .main = path ? xstrdup(path) : NULL,
        .system_dir = SYSTEM_FILE ".d",
        .user_dir = user_file ? xasprintf("%s.d", user_file) : NULL,
        .aliases = alias_path(home),
    };
}

bool registries_present(const char *path)
{
    auto_done(registries_paths) struct registries_paths p = {0};
    registries_paths_find(path, &p);
    return p.main || exists_at(AT_FDCWD, p.system_dir) ||
           (p.user_dir && exists_at(AT_FDCWD, p.user_dir)) ||
           (p.aliases && exists_at(AT_FDCWD, p.aliases));
}
