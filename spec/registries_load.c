/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: which files apply. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "spec/registries.h"
#include "spec/toml.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX    (1u << 20)
#define SYSTEM_FILE "/etc/containers/registries.conf"
#define USER_FILE   ".config/containers/registries.conf"

static int merge_file(struct registries *r, const char *path, struct err *err)
{
    auto_buf text = {0};
    auto_json json_t *file = NULL;
    int q = file_read_at(AT_FDCWD, path, FILE_MAX, &text, err);
    if (q < 0)
        return q;
    q = toml_parse(buf_str(&text), text.len, &file, err);
    if (q == 0)
        q = registries_merge(r, file, err);
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
        q = merge_file(r, file, err);
    }
    return q;
}

static int merge_main(struct registries *r, const char *path, const char *user_file,
                      struct err *err)
{
    if (!path || !*path)
        path = getenv("CONTAINERS_REGISTRIES_CONF");
    if (path && *path)
        return merge_file(r, path, err);
    if (user_file && exists_at(AT_FDCWD, user_file))
        return merge_file(r, user_file, err);
    return exists_at(AT_FDCWD, SYSTEM_FILE) ? merge_file(r, SYSTEM_FILE, err) : 0;
}

int registries_load(const char *path, struct registries *ret, struct err *err)
{
    const char *home = getenv("HOME");
    auto_free char *user_file = home && *home ? xasprintf("%s/" USER_FILE, home) : NULL;
    auto_free char *user_dir = user_file ? xasprintf("%s.d", user_file) : NULL;
    auto_done(registries) struct registries r;
    registries_init(&r);
    int q = merge_main(&r, path, user_file, err);
    if (q == 0)
        q = merge_directory(&r, SYSTEM_FILE ".d", err);
    if (q == 0 && user_dir)
        q = merge_directory(&r, user_dir, err);
    if (q < 0)
        return q;
    *ret = r;
    r = (struct registries){0};
    return 0;
}
