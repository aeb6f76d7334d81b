/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: reading the files that apply. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "spec/registries.h"
#include "spec/registries_paths.h"
#include "spec/toml.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX (1u << 20)

typedef int (*merge_fn)(struct registries *r, const json_t *file, struct err *err);

static int merge_file(struct registries *r, const char *path, merge_fn merge, struct err *err)
{
    auto_buf text = {0};
    auto_json json_t *file = NULL;
    int q = file_read_at(AT_FDCWD, path, FILE_MAX, &text, err);
    if (q < 0)
        return q;
    q = toml_parse(buf_str(&text), text.len, &file, err);
    if (q == 0)
        q = merge(r, file, err);
    return q < 0 && err ? err_wrap(err, "%s", path) : q;
}

/* All of *.conf in the order of their names; a directory that is not there is empty. */
static int merge_directory(struct registries *r, const char *path, struct err *err)
{
    auto_strv names = {0};
    if (!exists_at(AT_FDCWD, path))
        return 0;
    int q = list_dir_at(AT_FDCWD, path, &names, err);
    if (q == -EACCES)
        return 0;
    strv_foreach (&names, name) {
        size_t len = strlen(name);
        if (q < 0 || len < 6 || strcmp(name + len - 5, ".conf") != 0)
            continue;
        auto_free char *file = xasprintf("%s/%s", path, name);
        q = merge_file(r, file, registries_merge, err);
    }
    return q;
}

/* What podman's users chose once, when they were asked which registry a short name is of. */
static int merge_alias_cache(struct registries *r, const char *path, struct err *err)
{
    if (!path || !exists_at(AT_FDCWD, path))
        return 0;
    int q = merge_file(r, path, registries_merge_aliases, err);
    return q == -EACCES ? 0 : q;
}

int registries_load(const char *path, struct registries *ret, struct err *err)
{
    auto_done(registries_paths) struct registries_paths paths = {0};
    auto_done(registries) struct registries r;
    registries_paths_find(path, &paths);
    registries_init(&r);
    int q = paths.main ? merge_file(&r, paths.main, registries_merge, err) : 0;
    if (q == 0)
        q = merge_directory(&r, paths.system_dir, err);
    if (q == 0 && paths.user_dir)
        q = merge_directory(&r, paths.user_dir, err);
    if (q == 0)
        q = merge_alias_cache(&r, paths.aliases, err);
    if (q < 0)
        return q;
    *ret = r;
    r = (struct registries){0};
    return 0;
}
