/* SPDX-License-Identifier: Apache-2.0 */
/* Which blobs are in use: a set of digests in hex, as members of a JSON object. */
#include "store/internal.h"

#include "base/file.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <sys/stat.h>

#define NESTING_MAX 4 /* an index of other tools may list indexes */

static void mark(json_t *set, const char *digest)
{
    json_put(set, digest_hex(digest), json_true());
}

/* True when the error says something about the content, not about this moment. */
static bool is_damage(int r)
{
    return r == -ENOENT || r == -EINVAL || r == -EFBIG || r == -E2BIG;
}

static int mark_manifest(struct store *s, const json_t *json, json_t *set, struct err *err)
{
    auto_done(manifest) struct manifest m = {0};
    auto_done(image_config) struct image_config config = {0};
    auto_json json_t *config_json = NULL;
    int r = manifest_parse(json, &m, err);
    if (r < 0)
        return r;
    mark(set, m.config.digest);
    for (size_t i = 0; i < m.n_layers; i++)
        mark(set, m.layers[i].digest);
    r = store_read_blob_json(s, m.config.digest, &config_json, err);
    if (r == 0)
        r = image_config_parse(config_json, &config, err);
    if (r < 0)
        return r;
    strv_foreach (&config.diff_ids, id)
        mark(set, id);
    return 0;
}

static int mark_tree(struct store *s, const char *digest, int depth, json_t *set, struct err *err)
{
    mark(set, digest);
    auto_json json_t *json = NULL;
    int r = store_read_blob_json(s, digest, &json, err);
    if (r < 0)
        return is_damage(r) ? 0 : r;
    const json_t *nested = json_object_get(json, "manifests");
    if (!json_is_array(nested)) {
        r = mark_manifest(s, json, set, err);
        return is_damage(r) ? 0 : r;
    }
    size_t i;
    json_t *entry;
    json_array_foreach ((json_t *)nested, i, entry) {
        const char *d = store_entry_digest(entry);
        if (digest_valid(d) && depth < NESTING_MAX && !json_object_get(set, digest_hex(d)))
            r = mark_tree(s, d, depth + 1, set, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int store_usage_mark(struct store *s, const char *digest, json_t *set, struct err *err)
{
    return mark_tree(s, digest, 0, set, err);
}

int store_usage_all(struct store *s, const json_t *index, json_t *set, struct err *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *digest = store_entry_digest(entry);
        if (json_object_get(set, digest_hex(digest)))
            continue; /* another name of the same */
        int r = store_usage_mark(s, digest, set, err);
        if (r < 0)
            return r;
    }
    return store_claims_collect(s, set, err);
}

/* --- bytes -------------------------------------------------------------------------------- */

static int add_sizes(struct store *s, const char *dir, uint64_t *total, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(s->root_fd, dir, &names, err);
    auto_close int fd = r < 0 ? r : open_dir_at(s->root_fd, dir, err);
    if (fd < 0)
        return fd;
    struct stat st;
    strv_foreach (&names, name)
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            *total += (uint64_t)st.st_size;
    return 0;
}

int store_blobs_size(struct store *s, uint64_t *ret, struct err *err)
{
    uint64_t total = 0;
    int r = add_sizes(s, BLOBS_DIR, &total, err);
    if (r == 0)
        r = add_sizes(s, INDEX_DIR, &total, err);
    if (r == 0)
        *ret = total;
    return r;
}
