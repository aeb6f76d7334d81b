/* SPDX-License-Identifier: Apache-2.0 */
/* Removing the whole store. */
#include "store/internal.h"

#include "base/file.h"
#include "base/id.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What stays open in it, and what is not a store's, is left. */
static int remove_own(struct store *s, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(s->root_fd, ".", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++)
        if (store_is_own_name(names.v[i]) && strcmp(names.v[i], "index.lock") != 0)
            r = store_remove_tree(s, names.v[i], err);
    return r;
}

/* Directories of containers, and what mounted images need. */
static bool is_own_run_name(const char *name)
{
    return (id_is_prefix(name) && strlen(name) == ID_HEX_LEN) || strcmp(name, "images") == 0 ||
           strcmp(name, "images.lock") == 0 || strcmp(name, "mounts") == 0 ||
           strcmp(name, "mounts.lock") == 0 || store_is_layer_notes(name);
}

/* The directory itself goes when nothing else is in it. A link to it stays. */
static void remove_if_empty(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        rmdir(path);
}

int store_remove_all(struct store *s, struct err *err)
{
    auto_strv names = {0};
    store_claims_drop(s);
    auto_close int lock = store_index_lock(s, true, err);
    int r = lock < 0 ? lock : remove_own(s, err);
    if (r == 0)
        r = list_dir_at(s->run_fd, ".", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++)
        if (is_own_run_name(names.v[i]))
            r = remove_tree_at(s->run_fd, names.v[i], err);
    if (r == 0)
        r = remove_tree_at(s->root_fd, "index.lock", err);
    if (r < 0)
        return r;
    remove_if_empty(s->runroot);
    remove_if_empty(s->root);
    return 0;
}
