/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points that the runtime made. */
#include "engine/residue.h"

#include "base/json.h"

#include <string.h>

/* An empty file is what a secret was mounted over, and tells its name; a directory of secrets that
 * has something else in it comes back with that. */
static bool is_secret(const json_t *secrets, const struct overlay_change *c)
{
    static const char dir[] = "/run/secrets";
    const size_t len = strlen(dir);
    for (size_t i = 0; i < json_array_size(secrets); i++) {
        const char *target = json_get_string(json_array_get(secrets, i), "Target", "");
        if (*target != '/')
            continue;
        if (S_ISREG(c->st.st_mode) && c->st.st_size == 0 && strcmp(target + 1, c->path) == 0)
            return true;
        if (S_ISDIR(c->st.st_mode) && strcmp(dir + 1, c->path) == 0 &&
            strncmp(target, dir, len) == 0 && target[len] == '/')
            return true;
    }
    return false;
}

bool residue_skip(void *arg, const struct overlay_change *c)
{
    static const char *const directories[] = {"proc", "sys", "dev"};
    static const char *const files[] = {"etc/hosts", "etc/resolv.conf", "etc/hostname",
                                        "etc/localtime", "run/.containerenv"};
    if (c->in_lower || c->kind != OVERLAY_ENTRY)
        return false;
    for (size_t i = 0; S_ISDIR(c->st.st_mode) && i < sizeof(directories) / sizeof(*directories);
         i++)
        if (strcmp(c->path, directories[i]) == 0)
            return true;
    for (size_t i = 0; S_ISREG(c->st.st_mode) && i < sizeof(files) / sizeof(*files); i++)
        if (c->st.st_size == 0 && strcmp(c->path, files[i]) == 0)
            return true;
    return arg && is_secret(arg, c);
}
