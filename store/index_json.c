/* SPDX-License-Identifier: Apache-2.0 */
/* index.json: which images there are and what they are called.
 *
 * Theory of operation. index.json is an OCI image index. Each name of an image is one entry, whose
 * annotation org.opencontainers.image.ref.name is the full reference; an image without names has
 * one entry without the annotation. So a digest is listed at least once as long as the image
 * exists, and a name at most once. Readers take no lock: the file is replaced by a rename. Writers
 * read, change and replace it under the exclusive lock of index.lock. */
#include "store/internal.h"

#include "base/file.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <string.h>

int store_index_lock(struct store *s, bool exclusive, struct err *err)
{
    /* Writable even for a shared lock: NFS wants that for an exclusive one. */
    auto_close int fd = openat(s->root_fd, "index.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, -errno, "open index.lock");
    int r = store_lock_patiently(fd, exclusive, "the store's index", err);
    return r < 0 ? r : take_fd(&fd);
}

static int check_entries(const json_t *entries, struct err *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach ((json_t *)entries, i, entry) {
        const json_t *size = json_object_get(entry, "size");
        if (!digest_valid(store_entry_digest(entry)) || !json_is_integer(size) ||
            json_integer_value(size) < 0)
            return err_set(err, -EINVAL, "entry %zu has no valid digest and size", i);
    }
    return 0;
}

int store_index_read_place(const struct store_place *p, json_t **ret, struct err *err)
{
    auto_json json_t *index = NULL;
    const json_t *entries = NULL;
    int r = json_read_at(p->fd, "index.json", &index, err);
    if (r < 0)
        return err ? err_wrap(err, "store %s is damaged", p->root) : r;
    if (!json_is_object(index))
        r = err_set(err, -EINVAL, "not an object");
    if (r == 0)
        r = json_want_array(index, "manifests", &entries, err);
    if (r == 0 && !entries)
        r = err_set(err, -EINVAL, "no \"manifests\"");
    if (r == 0)
        r = check_entries(entries, err);
    if (r < 0)
        return err ? err_wrap(err, "store %s is damaged: index.json", p->root) : r;
    *ret = take_ptr(index);
    return 0;
}

int store_index_read(struct store *s, json_t **ret, struct err *err)
{
    struct store_place own = store_place(s, 0);
    return store_index_read_place(&own, ret, err);
}

int store_index_write(struct store *s, const json_t *index, struct err *err)
{
    int r = json_write_at(s->root_fd, "index.json", index, FILE_SYNC, err);
    if (r == 0)
        store_index_keep_spare(s);
    return r;
}

json_t *store_index_entries(const json_t *index)
{
    return json_object_get(index, "manifests");
}

const char *store_entry_digest(const json_t *entry)
{
    return json_get_string(entry, "digest", NULL);
}

const char *store_entry_name(const json_t *entry)
{
    const json_t *annotations = json_object_get(entry, "annotations");
    return json_get_string(annotations, ANNOTATION_NAME, NULL);
}

/* Digests with one blank between them. */
static bool origin_valid(const char *s)
{
    char one[DIGEST_LEN + 1] = {0};
    for (;;) {
        if (strlen(s) < DIGEST_LEN)
            return false;
        memcpy(one, s, DIGEST_LEN);
        s += DIGEST_LEN;
        if (!digest_valid(one) || (*s && *s != ' '))
            return false;
        if (!*s++)
            return true;
    }
}

const char *store_entry_origin(const json_t *entry)
{
    const char *s = json_get_string(json_object_get(entry, "annotations"), ANNOTATION_ORIGIN, NULL);
    return s && origin_valid(s) ? s : NULL;
}

bool store_entry_is_image(const json_t *entry)
{
    const char *type = json_get_string(entry, "mediaType", MEDIA_OCI_MANIFEST);
    return strcmp(type, MEDIA_OCI_MANIFEST) == 0 || strcmp(type, MEDIA_DOCKER_MANIFEST) == 0;
}

static size_t count_digest(const json_t *index, const char *digest)
{
    size_t i, n = 0;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry)
        n += strcmp(store_entry_digest(entry), digest) == 0;
    return n;
}

bool store_index_has(const json_t *index, const char *digest)
{
    return count_digest(index, digest) > 0;
}

bool store_index_drop_name(json_t *index, const char *name)
{
    json_t *entries = store_index_entries(index);
    bool found = false;
    for (size_t i = 0; i < json_array_size(entries);) {
        json_t *entry = json_array_get(entries, i);
        const char *has = store_entry_name(entry);
        if (!has || strcmp(has, name) != 0) {
            i++;
            continue;
        }
        found = true;
        if (count_digest(index, store_entry_digest(entry)) > 1) {
            json_array_remove(entries, i);
            continue;
        }
        json_t *annotations = json_object_get(entry, "annotations");
        json_object_del(annotations, ANNOTATION_NAME);
        json_object_del(annotations, ANNOTATION_ORIGIN);
        if (json_object_size(annotations) == 0)
            json_object_del(entry, "annotations");
        i++;
    }
    return found;
}

static void entry_set_name(json_t *entry, const char *name)
{
    json_t *annotations = json_object_get(entry, "annotations");
    if (!json_is_object(annotations)) {
        annotations = json_object();
        json_put(entry, "annotations", annotations);
    }
    json_put_string(annotations, ANNOTATION_NAME, name);
    json_object_del(annotations, ANNOTATION_ORIGIN); /* another name's registry said so */
}

void store_index_set_origin(json_t *index, const char *name, const char *digests)
{
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *has = store_entry_name(entry);
        if (has && strcmp(has, name) == 0)
            json_put_string(json_object_get(entry, "annotations"), ANNOTATION_ORIGIN, digests);
    }
}

void store_index_add(json_t *index, const char *digest, int64_t size, const char *name)
{
    json_t *entries = store_index_entries(index), *listed = NULL, *entry;
    size_t i;
    json_array_foreach (entries, i, entry) {
        if (strcmp(store_entry_digest(entry), digest) != 0)
            continue;
        listed = entry;
        if (name && !store_entry_name(entry)) {
            entry_set_name(entry, name);
            return;
        }
    }
    if (listed && !name)
        return;
    json_t *made = listed ? json_deep_copy(listed) : json_object();
    if (!listed) {
        json_put_string(made, "mediaType", MEDIA_OCI_MANIFEST);
        json_put_string(made, "digest", digest);
        json_put(made, "size", json_integer(size));
    }
    if (name)
        entry_set_name(made, name);
    json_array_append_new(entries, made);
}

void store_index_drop_digest(json_t *index, const char *digest)
{
    json_t *entries = store_index_entries(index);
    for (size_t i = json_array_size(entries); i-- > 0;)
        if (strcmp(store_entry_digest(json_array_get(entries, i)), digest) == 0)
            json_array_remove(entries, i);
}

void store_index_names(const json_t *index, const char *digest, struct strv *ret_names,
                       struct strv *ret_origins)
{
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(index), i, entry) {
        const char *name = store_entry_name(entry), *origin = store_entry_origin(entry);
        if (!name || strcmp(store_entry_digest(entry), digest) != 0)
            continue;
        strv_add(ret_names, name);
        strv_add(ret_origins, origin ? origin : digest);
    }
}
