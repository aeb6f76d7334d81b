/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the check: the store's own files, and garbage. */
#include "store/check_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void check_tell(struct check *c, const struct store_finding *f)
{
    if (f->garbage)
        c->result->garbage++;
    else
        c->result->damage++;
    if (!f->garbage && !f->done)
        c->result->left++;
    if (f->done && f->loses)
        c->result->lost++;
    if (c->o->found)
        c->o->found(c->o->arg, f);
}

void check_found_unlocked(struct check *c, struct store_finding *f, check_fix fix, const void *arg)
{
    struct err failed = {0};
    if (!fix)
        f->remedy = NULL;
    if (c->o->repair && fix) {
        f->done = fix(c, arg, &failed) == 0;
        f->failed = f->done ? NULL : failed.message;
    }
    check_tell(c, f);
}

struct locked_fix {
    check_fix fix;
    const void *arg;
};

static int fix_locked(struct check *c, const void *arg, struct err *err)
{
    const struct locked_fix *l = arg;
    auto_close int lock = store_index_lock(c->s, true, err);
    return lock < 0 ? lock : l->fix(c, l->arg, err);
}

void check_found(struct check *c, struct store_finding *f, check_fix fix, const void *arg)
{
    struct locked_fix l = {.fix = fix, .arg = arg};
    check_found_unlocked(c, f, fix ? fix_locked : NULL, &l);
}

/* --- index.json --------------------------------------------------------------------------- */

/* Whether a blob is the manifest of an image that is whole; *ret_size of it. */
static bool is_manifest(struct store *s, const char *digest, int64_t *ret_size)
{
    struct blob_path path = store_blob_path(digest);
    struct stat st;
    auto_json json_t *none = json_pack("{s:[]}", "manifests");
    auto_done(store_image) struct store_image img = {0};
    if (fstatat(s->root_fd, path.s, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size > JSON_LIMIT)
        return false;
    *ret_size = st.st_size;
    return store_image_load(s, none, digest, &img, NULL) == 0;
}

/* Entries of the damaged file that can be read keep their names. */
static json_t *readable_entries(struct store *s)
{
    auto_json json_t *old = NULL;
    json_t *index = json_pack("{s:[], s:s, s:i}", "manifests", "mediaType", MEDIA_OCI_INDEX,
                              "schemaVersion", 2);
    if (json_read_at(s->root_fd, "index.json", &old, NULL) < 0)
        return index;
    size_t i;
    json_t *entry;
    json_array_foreach (store_index_entries(old), i, entry) {
        const char *digest = store_entry_digest(entry), *name = store_entry_name(entry);
        int64_t size;
        if (digest && digest_valid(digest) && is_manifest(s, digest, &size) &&
            (!name || store_check_full_name(name, NULL) == 0)) {
            if (name)
                store_index_drop_name(index, name);
            store_index_add(index, digest, size, name);
        }
    }
    return index;
}

/* From what can be read of the old one, and the manifests among the blobs. */
static int rebuild_index(struct check *c, const void *arg, struct err *err)
{
    auto_strv names = {0};
    auto_json json_t *index = readable_entries(c->s);
    int r = list_dir_at(c->s->root_fd, BLOBS_DIR, &names, err);
    if (r < 0)
        return r;
    strv_foreach (&names, name) {
        auto_free char *digest = xasprintf("sha256:%s", name);
        int64_t size;
        if (digest_valid(digest) && is_manifest(c->s, digest, &size))
            store_index_add(index, digest, size, NULL);
    }
    renameat(c->s->root_fd, "index.json", c->s->root_fd, "index.json.damaged");
    return store_index_write(c->s, index, err);
}

static int check_index(struct check *c, struct err *err)
{
    auto_json json_t *index = NULL;
    struct err wrong = {0};
    int r = store_index_read(c->s, &index, &wrong);
    if (r == 0)
        return 0;
    if (r != -EINVAL && r != -ENOENT && r != -EFBIG) {
        if (err)
            *err = wrong;
        return r;
    }
    struct store_finding f = {
        .what = "index.json",
        .wrong = wrong.message,
        .remedy =
            "it is made again from the manifests; names that cannot be read are lost, the old "
            "file is kept as index.json.damaged",
        .loses = true};
    check_found(c, &f, rebuild_index, NULL);
    if (f.done)
        return 0;
    return err_set(err, r, "index.json cannot be read, so nothing else can be checked: %.500s",
                   wrong.message);
}

/* --- oci-layout, modes -------------------------------------------------------------------- */

static int write_layout(struct check *c, const void *arg, struct err *err)
{
    return store_write_layout(c->s, err);
}

static void check_layout(struct check *c)
{
    auto_json json_t *layout = NULL;
    struct err wrong = {0};
    if (json_read_at(c->s->root_fd, "oci-layout", &layout, &wrong) == 0 &&
        strcmp(json_get_string(layout, "imageLayoutVersion", ""), "1.0.0") == 0)
        return;
    struct store_finding f = {.what = "oci-layout",
                              .wrong = wrong.code ? wrong.message : "it is of no known version",
                              .remedy = "it is written again"};
    check_found(c, &f, write_layout, NULL);
}

static int make_private(struct check *c, const void *arg, struct err *err)
{
    const char *dir = arg;
    int r = store_mkdir(c->s->root_fd, dir, err);
    if (r == 0 && fchmodat(c->s->root_fd, dir, 0700, 0) < 0)
        r = err_errno(err, -errno, "chmod %s", dir);
    return r;
}

static void check_directories(struct check *c)
{
    for (const char *const *d = store_directories; *d; d++) {
        struct stat st;
        bool there = fstatat(c->s->root_fd, *d, &st, AT_SYMLINK_NOFOLLOW) == 0;
        bool dir = there && S_ISDIR(st.st_mode);
        if (dir && (st.st_mode & 07777) == 0700)
            continue;
        struct store_finding f = {.what = *d,
                                  .wrong = !there ? "the directory is missing"
                                           : !dir ? "it is no directory"
                                                  : "others may enter it",
                                  .remedy = there ? "its mode becomes 0700" : "it is made"};
        check_found(c, &f, there && !dir ? NULL : make_private, *d);
    }
}

int check_frame(struct check *c, struct err *err)
{
    check_directories(c);
    check_layout(c);
    return check_index(c, err);
}

/* --- garbage ------------------------------------------------------------------------------ */

static bool is_old(const struct check *c, const char *path)
{
    struct stat st;
    if (c->o->max_age <= 0)
        return true;
    return fstatat(c->s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_mtim.tv_sec <= time_now().tv_sec - c->o->max_age;
}

static void tell_garbage(struct check *c, const struct strv *paths)
{
    strv_foreach ((struct strv *)paths, path) {
        struct store_finding f = {.what = path,
                                  .wrong = "left behind by a process that is gone",
                                  .remedy = "it is removed",
                                  .garbage = true,
                                  .done = c->o->repair && !exists_at(c->s->root_fd, path)};
        check_tell(c, &f);
    }
}

static void keep_old(const struct check *c, struct strv *paths)
{
    for (size_t i = paths->len; i-- > 0;)
        if (!is_old(c, paths->v[i]))
            strv_remove(paths, i);
}

static int check_garbage(struct check *c, struct err *err)
{
    auto_strv unused = {0}, dead = {0};
    auto_close int lock = store_index_lock(c->s, true, err);
    int r = lock < 0 ? lock : store_garbage_list(c->s, &unused, &dead, err);
    if (r < 0)
        return r;
    keep_old(c, &unused);
    keep_old(c, &dead);
    if (c->o->repair)
        strv_foreach (&unused, path)
            unlinkat(c->s->root_fd, path, 0);
    close_fd(&lock); /* nobody revives the dead */
    if (c->o->repair)
        strv_foreach (&dead, path)
            store_remove_tree(c->s, path, NULL);
    tell_garbage(c, &unused);
    tell_garbage(c, &dead);
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

int content_check(struct store *s, const struct store_check_options *o,
                  struct store_check_result *ret, struct err *err)
{
    auto_json json_t *damaged = json_object(), *in_use = json_object();
    struct store_check_result result = {0};
    struct check c = {.s = s, .o = o, .result = &result, .damaged = damaged, .in_use = in_use};
    int r = check_frame(&c, err);
    if (r == 0)
        r = check_note_in_use(&c, err);
    if (r == 0)
        r = check_blobs(&c, err);
    if (r == 0)
        r = check_containers(&c, err);
    if (r == 0)
        r = check_volumes(&c, err);
    if (r == 0)
        r = check_images(&c, err);
    if (r == 0)
        r = check_garbage(&c, err);
    if (r == 0)
        *ret = result;
    return r;
}
