/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted at runroot/KIND/<id>/root. */
#include "engine/overlay_mounts.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void overlay_mounts_done(struct overlay_mounts *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->v[i].id);
        free(m->v[i].path);
    }
    free(m->v);
    *m = (struct overlay_mounts){0};
}

/* mountinfo writes blanks, tabs, new lines and backslashes in octal. */
static void unescape(char *s)
{
    char *out = s;
    while (*s) {
        unsigned code;
        if (*s == '\\' && sscanf(s + 1, "%3o", &code) == 1) {
            *out++ = (char)code;
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = 0;
}

/* The id in DIR/<id>/root, or NULL. */
static char *id_in_path(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    if (strncmp(path, dir, len) != 0 || path[len] != '/')
        return NULL;
    path += len + 1;
    return strlen(path) == ID_HEX_LEN + 5 && strcmp(path + ID_HEX_LEN, "/root") == 0
               ? xstrndup(path, ID_HEX_LEN)
               : NULL;
}

int overlay_mounts_list(struct engine *e, const char *kind, struct overlay_mounts *ret,
                        struct err *err)
{
    auto_free char *real = realpath(e->store.runroot, NULL), *line = NULL;
    auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
    size_t size = 0, cap = 0;
    if (!f || !real)
        return err_errno(err, -errno, "list mounts");
    auto_free char *dir = xasprintf("%s/%s", real, kind);
    struct overlay_mounts found = {0};
    while (getline(&line, &size, f) > 0) {
        char *save, *field = strtok_r(line, " ", &save); /* id, parent, device, root, path */
        for (int i = 0; i < 4 && field; i++)
            field = strtok_r(NULL, " ", &save);
        if (!field)
            continue;
        unescape(field);
        char *id = id_in_path(field, dir);
        if (!id)
            continue;
        grow_array(found.v, found.n, cap);
        found.v[found.n++] = (struct overlay_mount){.id = id, .path = xstrdup(field)};
    }
    *ret = found;
    return 0;
}

bool overlay_mounts_find(struct engine *e, const char *kind, const char *id, char **ret_path)
{
    auto_done(overlay_mounts) struct overlay_mounts all = {0};
    if (overlay_mounts_list(e, kind, &all, NULL) < 0)
        return false;
    for (size_t i = 0; i < all.n; i++)
        if (strcmp(all.v[i].id, id) == 0) {
            if (ret_path)
                *ret_path = take_ptr(all.v[i].path);
            return true;
        }
    return false;
}

int overlay_mounts_lock(struct engine *e, const char *kind, struct err *err)
{
    auto_free char *name = xasprintf("%s.lock", kind);
    auto_close int fd = openat(e->store.run_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "open the lock of mounts");
    int r = lock_fd(fd, true, true, err);
    return r < 0 ? r : take_fd(&fd);
}
