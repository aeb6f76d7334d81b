/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store: where it is, whose it is, and what must be in it.
 *
 * Theory of operation. The root is complete when tmp/ exists, which is made last; so opening an
 * existing store costs an open, an fstat and one access check. What is missing is made under the
 * index lock, so two first commands at once do not hinder each other. A directory that holds other
 * things is never turned into a store: `--root $HOME` is a slip, not a wish. */
#include "store/internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "spec/digest.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const store_directories[] = {BLOBS_DIR, INDEX_DIR, "names",       "containers",
                                         "volumes", "cache",   "cache/build", NULL};
/* What a half-made store may contain. */
static const char *const own_names[] = {
    "oci-layout", "index.json", "index.lock",   "blobs",       INDEX_DIR,     "names",
    "containers", "volumes",    "cache",        TMP_DIR,       ORIGINS_DIR,   "index.json.damaged",
    "secrets",    "events.log", "events.log.1", "events.lock", "index.spare", NULL};

static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char empty_index[] =
    "{\"manifests\":[],\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"schemaVersion\":2}";

struct blob_path store_blob_path(const char *digest)
{
    struct blob_path p;
    snprintf(p.s, sizeof(p.s), BLOBS_DIR "/%.64s", digest_hex(digest));
    return p;
}

struct blob_path store_index_path(const char *digest)
{
    struct blob_path p;
    snprintf(p.s, sizeof(p.s), INDEX_DIR "/%.64s", digest_hex(digest));
    return p;
}

int store_mkdir(int dirfd, const char *path, struct err *err)
{
    if (mkdirat(dirfd, path, 0700) < 0)
        return errno == EEXIST ? 0 : err_errno(err, -errno, "mkdir %s", path);
    if (fchmodat(dirfd, path, 0700, 0) < 0)
        return err_errno(err, -errno, "chmod %s", path);
    return 0;
}

int store_sync_dir(int dirfd, const char *path, struct err *err)
{
    auto_close int fd = open_dir_at(dirfd, path, err);
    if (fd < 0)
        return fd;
    return fsync(fd) < 0 ? err_errno(err, -errno, "sync %s", path) : 0;
}

static const char *env_path(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* As env_path(), for the XDG variables: a relative path is to be ignored (XDG base directory
 * specification). */
static const char *env_absolute(const char *name)
{
    const char *v = env_path(name);
    return v && *v == '/' ? v : NULL;
}

static bool is_ours(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static int home_directory(char **ret, struct err *err)
{
    const char *home = env_absolute("HOME");
    if (home && is_ours(home)) {
        *ret = xstrdup(home);
        return 0;
    }
    const struct passwd *pw = getpwuid(geteuid());
    if (pw && pw->pw_dir && *pw->pw_dir == '/')
        home = pw->pw_dir;
    if (!home)
        return err_set(err, -ENOENT, "no home directory is known: set WHERRY_ROOT or use --root");
    *ret = xstrdup(home);
    return 0;
}

static int choose_root(const char *option, char **ret, struct err *err)
{
    const char *given = option ? option : env_path("WHERRY_ROOT");
    if (given)
        return path_absolute(given, ret, err);
    const char *data = env_absolute("XDG_DATA_HOME");
    if (data) {
        *ret = xasprintf("%s/wherry", data);
        return 0;
    }
    auto_free char *home = NULL;
    int r = home_directory(&home, err);
    if (r < 0)
        return r;
    *ret = xasprintf("%s/.local/share/wherry", home);
    return 0;
}

static int choose_run(const char *option, char **ret, struct err *err)
{
    const char *given = option ? option : env_path("WHERRY_RUNROOT");
    if (given)
        return path_absolute(given, ret, err);
    /* After su it may still name another user's. */
    const char *runtime = env_absolute("XDG_RUNTIME_DIR");
    if (runtime && is_ours(runtime)) {
        *ret = xasprintf("%s/wherry", runtime);
        return 0;
    }
    auto_buf boot = {0};
    int r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, err);
    if (r < 0)
        return r;
    buf_truncate(&boot, strspn(buf_str(&boot), "0123456789abcdef-"));
    *ret = xasprintf("/tmp/wherry-%u-%s", (unsigned)geteuid(), buf_str(&boot));
    return 0;
}

bool store_is_own_name(const char *name)
{
    const char *const *own = own_names;
    while (*own && strcmp(*own, name) != 0)
        own++;
    return *own || strncmp(name, ".tmp-", 5) == 0;
}

static int check_unused(const struct store *s, struct err *err)
{
    auto_strv names = {0};
    int r = list_dir_at(s->root_fd, ".", &names, err);
    if (r < 0)
        return r;
    strv_foreach (&names, name)
        if (!store_is_own_name(name) && strcmp(name, "lost+found") != 0)
            return err_set(err, -ENOTEMPTY,
                           "%s holds other things (%.100s): a store needs a directory of its own",
                           s->root, name);
    return 0;
}

static int write_missing(const struct store *s, const char *name, const char *text, struct err *err)
{
    if (exists_at(s->root_fd, name))
        return 0;
    return file_write_at(s->root_fd, name, text, strlen(text), 0600, FILE_SYNC, err);
}

int store_write_layout(struct store *s, struct err *err)
{
    return file_write_at(s->root_fd, "oci-layout", layout, strlen(layout), 0600, FILE_SYNC, err);
}

static int make_store(struct store *s, struct err *err)
{
    int r = check_unused(s, err);
    if (r < 0)
        return r;
    if (fchmod(s->root_fd, 0700) < 0)
        return err_errno(err, -errno, "chmod");
    auto_close int lock = store_index_lock(s, true, err);
    if (lock < 0)
        return lock;
    if (fchmod(lock, 0600) < 0)
        return err_errno(err, -errno, "chmod index.lock");
    r = store_mkdir(s->root_fd, "blobs", err);
    for (const char *const *d = store_directories; *d && r == 0; d++)
        r = store_mkdir(s->root_fd, *d, err);
    if (r == 0)
        r = write_missing(s, "index.json", empty_index, err);
    if (r == 0)
        r = write_missing(s, "oci-layout", layout, err);
    if (r == 0)
        r = store_mkdir(s->root_fd, TMP_DIR, err);
    return r;
}

static int open_root(struct store *s, struct err *err)
{
    s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root_fd < 0 && errno == ENOENT) {
        int r = mkdir_parents_at(AT_FDCWD, s->root, 0700, err);
        if (r < 0)
            return r;
        s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    struct stat st;
    if (s->root_fd < 0 || fstat(s->root_fd, &st) < 0)
        return err_errno(err, -errno, "open");
    if (st.st_uid != geteuid())
        return err_set(err, -EPERM, "the directory belongs to user %u: choose another with --root",
                       (unsigned)st.st_uid);
    if (!exists_at(s->root_fd, TMP_DIR))
        return make_store(s, err);
    if ((st.st_mode & 077) && fchmod(s->root_fd, 0700) < 0)
        return err_errno(err, -errno, "chmod");
    return 0;
}

/* Sockets and pid files stand here: nobody else may be able to put or replace one. */
static int open_run(struct store *s, struct err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    s->run_fd = open(s->runroot, flags);
    if (s->run_fd < 0 && errno == ENOENT) {
        int r = mkdir_parents_at(AT_FDCWD, s->runroot, 0700, err);
        if (r < 0)
            return r;
        s->run_fd = open(s->runroot, flags);
    }
    if (s->run_fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return err_set(err, -ENOTDIR, "refused: it is a link or no directory");
    struct stat st;
    if (s->run_fd < 0 || fstat(s->run_fd, &st) < 0)
        return err_errno(err, -errno, "open");
    if (st.st_uid != geteuid())
        return err_set(err, -EPERM, "refused: it belongs to user %u", (unsigned)st.st_uid);
    if (st.st_mode & 077)
        return err_set(err, -EPERM, "refused: others may enter it (mode %04o, 0700 is needed)",
                       (unsigned)st.st_mode & 07777);
    /* An umask may have taken our own bits, a parent may have given the set-group-id bit. */
    if ((st.st_mode & 07777) != 0700 && fchmod(s->run_fd, 0700) < 0)
        return err_errno(err, -errno, "chmod");
    return 0;
}

int store_open(const struct store_options *o, struct store *ret, struct err *err)
{
    static const struct store_options none;
    struct err local;
    err = err ? err : &local;
    o = o ? o : &none;
    auto_done(store) struct store s = {
        .root_fd = -1, .run_fd = -1, .claims_fd = -1, .claims_lock = -1};
    int r = choose_root(o->root, &s.root, err);
    if (r < 0)
        return r;
    if (open_root(&s, err) < 0)
        return err_wrap(err, "store %s", s.root);
    r = choose_run(o->runroot, &s.runroot, err);
    if (r < 0)
        return r;
    if (open_run(&s, err) < 0)
        return err_wrap(err, "run directory %s", s.runroot);
    r = store_lowers_open(&s, o->image_stores, err);
    if (r < 0)
        return r;
    *ret = s;
    s = (struct store){.root_fd = -1, .run_fd = -1, .claims_fd = -1, .claims_lock = -1};
    return 0;
}

void store_close(struct store *s)
{
    store_claims_drop(s);
    store_lowers_close(s);
    close_fd(&s->root_fd);
    close_fd(&s->run_fd);
    free(s->root);
    free(s->runroot);
    *s = (struct store){.root_fd = -1, .run_fd = -1, .claims_fd = -1, .claims_lock = -1};
}
