/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points that the runtime made. */
#include "engine/residue.h"

#include <string.h>

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
    return false;
}
