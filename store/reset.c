/* SPDX-License-Identifier: Apache-2.0 */
/* Removing volumes that nobody uses, and the whole store. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/id.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* --- volumes ------------------------------------------------------------------------------ */

/* Names of the volumes that containers have: {name: true}. */
static int volumes_in_use(struct store *s, json_t *set, struct err *err)
{
    struct store_container *all = NULL;
    size_t n = 0, j;
    json_t *mount;
    int r = store_container_list(s, &all, &n, err);
    for (size_t i = 0; i < n; i++) {
        json_array_foreach (json_object_get(all[i].config, "Mounts"), j, mount)
            json_put(set, json_get_string(mount, "Name", ""), json_true());
        store_container_done(&all[i]);
    }
    free(all);
    return r;
}

/* Under the exclusive index lock, which keeps containers from being made. */
static int move_unused(struct store *s, struct strv *ret_names, struct strv *ret_away,
                       struct err *err)
{
    auto_json json_t *used = json_object();
    auto_strv names = {0};
    auto_close int lock = store_index_lock(s, true, err);
    int r = lock < 0 ? lock : volumes_in_use(s, used, err);
    if (r == 0)
        r = list_dir_at(s->root_fd, "volumes", &names, err);
    strv_foreach (&names, name) {
        char id[ID_HEX_LEN + 1];
        id_random(id);
        auto_free char *from = xasprintf("volumes/%s", name);
        auto_free char *to = xasprintf(TMP_DIR "/%.24s", id);
        if (json_object_get(used, name))
            continue;
        if (renameat(s->root_fd, from, s->root_fd, to) < 0)
            return err_errno(err, -errno, "remove volume %s", name);
        strv_add(ret_names, name);
        strv_add(ret_away, to);
    }
    return r;
}

int store_volumes_prune(struct store *s, struct strv *ret_names, uint64_t *bytes, struct err *err)
{
    auto_strv away = {0};
    int r = move_unused(s, ret_names, &away, err);
    strv_foreach (&away, path) {
        tree_size_at(s->root_fd, path, bytes);
        int q = remove_tree_at(s->root_fd, path, r < 0 ? NULL : err);
        r = r < 0 ? r : q;
    }
    return r;
}

/* --- everything --------------------------------------------------------------------------- */

/* What stays open in it, and what is not a store's, is left. */
static int remove_own(struct store *s, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(s->root_fd, ".", &names, err);
    for (size_t i = 0; i < names.len && r == 0; i++)
        if (store_is_own_name(names.v[i]) && strcmp(names.v[i], "index.lock") != 0)
            r = remove_tree_at(s->root_fd, names.v[i], err);
    return r;
}

/* Directories of containers, and what mounted images need. */
static bool is_own_run_name(const char *name)
{
    return (id_is_prefix(name) && strlen(name) == ID_HEX_LEN) || strcmp(name, "images") == 0 ||
           strcmp(name, "images.lock") == 0;
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
