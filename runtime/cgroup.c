/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a place for the container's cgroup and making it.
 *
 * Should: ask the kernel by trying, as what a file's permissions say is not all of it. Mustn't:
 * leave a directory behind after a failure; write outside of what was delegated. */
#include "runtime/cgroup.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/safepath.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define SESSION     "wherry-session" /* child of our own cgroup, for the processes that were in it */
#define LEVELS      32
#define MOVE_ROUNDS 10 /* who forks while we look is moved in the next one */

void cgroup_done(struct cgroup *cg)
{
    if (cg->dir)
        close_fd(&cg->fd);
    free(take_ptr(cg->dir));
    free(take_ptr(cg->path));
}

static int write_file(int dir, const char *file, const char *value)
{
    auto_close int fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : write_full(fd, value, strlen(value));
}

static int open_dir(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cgroup_open(const char *dir, struct cgroup *ret, struct err *err)
{
    struct statfs fs;
    auto_close int fd = open_dir(AT_FDCWD, dir);
    if (fd < 0)
        return err_errno(err, fd, "cgroup %s", dir);
    if (fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
        return err_set(err, -ENOTDIR, "%s is no cgroup", dir);
    *ret = (struct cgroup){.fd = take_fd(&fd), .dir = xstrdup(dir)};
    return 0;
}

int cgroup_attach(const struct cgroup *cg, pid_t pid, struct err *err)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)pid);
    int r = write_file(cg->fd, "cgroup.procs", text);
    return r < 0 ? err_errno(err, r, "move a process into the cgroup %s", cg->dir) : 0;
}

/* --- settings -------------------------------------------------------------------------------- */

static bool is_missing(int r)
{
    return r == -ENOENT || r == -EACCES || r == -EPERM || r == -EROFS || r == -EOPNOTSUPP;
}

int cgroup_apply(int fd, const struct strv *settings, struct strv *ret_missing, struct err *err)
{
    for (size_t i = 0; i < settings->len; i++) {
        const char *setting = settings->v[i], *eq = strchr(setting, '=');
        auto_free char *file = xstrndup(setting, eq ? (size_t)(eq - setting) : strlen(setting));
        int r = eq ? write_file(fd, file, eq + 1) : -EINVAL;
        if (is_missing(r)) {
            if (!strv_contains(ret_missing, file))
                strv_add(ret_missing, file);
        } else if (r < 0) {
            return err_errno(err, r, "set %s of the cgroup to \"%s\"", file, eq ? eq + 1 : "");
        }
    }
    return 0;
}

/* "memory" of "memory.max=1"; each once. What begins with "cgroup." every cgroup has. */
static void controllers_of(const struct strv *settings, struct strv *ret)
{
    for (size_t i = 0; i < settings->len; i++) {
        auto_free char *name = xstrndup(settings->v[i], strcspn(settings->v[i], "."));
        if (strcmp(name, "cgroup") != 0 && !strv_contains(ret, name))
            strv_add(ret, name);
    }
}

static void read_words(int dir, const char *file, struct strv *ret)
{
    auto_buf text = {0};
    if (file_read_at(dir, file, 4096, &text, NULL) < 0)
        return;
    buf_truncate(&text, strcspn(buf_str(&text), "\n"));
    strv_split(ret, buf_str(&text), ' ');
}

/* How many of `wanted` the children of `dir` have not, after having asked for them. */
static size_t enable(int dir, struct strv *wanted)
{
    auto_strv there = {0};
    size_t missing = 0;
    read_words(dir, "cgroup.subtree_control", &there);
    strv_foreach (wanted, name) {
        auto_free char *order = xasprintf("+%s", name);
        missing +=
            !strv_contains(&there, name) && write_file(dir, "cgroup.subtree_control", order) < 0;
    }
    return missing;
}

/* --- the place ------------------------------------------------------------------------------- */

/* The levels that may be written, our own first. */
struct levels {
    int fd[LEVELS];
    char *dir[LEVELS];
    size_t n;
    char *point; /* of the mount */
};

static void levels_done(struct levels *l)
{
    for (size_t i = 0; i < l->n; i++) {
        close(l->fd[i]);
        free(l->dir[i]);
    }
    free(l->point);
}
DEFINE_AUTO(levels, levels_done)

static bool may_use(int dir)
{
    static const char *const files[] = {".", "cgroup.procs", "cgroup.subtree_control"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (faccessat(dir, files[i], W_OK, AT_EACCESS) < 0)
            return false;
    return true;
}

/* Where the hierarchy is mounted, and our own cgroup below that ("" or "/..."). */
static bool find_own(char **ret_point, char **ret_path)
{
    auto_buf mounts = {0}, own = {0};
    auto_free char *point = NULL, *root = NULL, *path = NULL;
    if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, NULL) < 0 ||
        file_read_at(AT_FDCWD, "/proc/self/cgroup", 1 << 16, &own, NULL) < 0 ||
        !cgroup_parse_mount(buf_str(&mounts), &point, &root) ||
        !(path = cgroup_parse_own(buf_str(&own))) || (root[1] && !path_is_within(path, root)))
        return false;
    const char *rest = path + (root[1] ? strlen(root) : 0);
    *ret_path = xstrdup(strcmp(rest, "/") == 0 ? "" : rest);
    *ret_point = take_ptr(point);
    return true;
}

static void find_levels(struct levels *l, bool split)
{
    auto_free char *path = NULL;
    if (!find_own(&l->point, &path))
        return;
    /* Where an earlier one of us has put us, "here" is what is above. */
    size_t len = strlen(path), tail = strlen("/" SESSION);
    if (len >= tail && strcmp(path + len - tail, "/" SESSION) == 0)
        path[len - tail] = 0;
    for (char *cut;; *cut = 0) {
        auto_free char *dir = xasprintf("%s%s", l->point, path);
        auto_close int fd = open_dir(AT_FDCWD, dir);
        if (fd < 0 || !may_use(fd))
            return;
        l->dir[l->n] = take_ptr(dir);
        l->fd[l->n++] = take_fd(&fd);
        if (split || l->n == LEVELS || !(cut = strrchr(path, '/')))
            return;
    }
}

static void move_to_session(int dir)
{
    if (mkdirat(dir, SESSION, 0755) < 0 && errno != EEXIST)
        return;
    auto_close int session = open_dir(dir, SESSION);
    for (int i = 0; session >= 0 && i < MOVE_ROUNDS; i++) {
        auto_buf text = {0};
        auto_strv pids = {0};
        if (file_read_at(dir, "cgroup.procs", 1 << 20, &text, NULL) < 0 || text.len == 0)
            return;
        strv_split(&pids, buf_str(&text), '\n');
        strv_foreach (&pids, pid)
            write_file(session, "cgroup.procs", pid); /* it may be gone */
    }
}

/* Whether processes in the way are why the children of `dir` lack something. */
static bool is_in_the_way(int dir, struct strv *wanted)
{
    auto_strv offered = {0}, there = {0};
    read_words(dir, "cgroup.controllers", &offered);
    read_words(dir, "cgroup.subtree_control", &there);
    strv_foreach (wanted, name)
        if (strv_contains(&offered, name) && !strv_contains(&there, name))
            return true;
    return false;
}

/* The number of the level to use. Controllers come from above, so the upper ones are asked first.
 */
static size_t choose_level(const struct levels *l, struct strv *wanted)
{
    size_t best = 0, least = SIZE_MAX;
    for (size_t i = l->n; i-- > 0;) {
        size_t missing = enable(l->fd[i], wanted);
        if (missing <= least)
            least = missing, best = i;
    }
    if (least == 0 || !is_in_the_way(l->fd[0], wanted))
        return best;
    move_to_session(l->fd[0]);
    return enable(l->fd[0], wanted) <= least ? 0 : best;
}

/* --- making ---------------------------------------------------------------------------------- */

/* Below the open directory *fd, which is replaced by the last one. */
static int walk(int *fd, const char *path, struct strv *wanted)
{
    auto_strv parts = {0};
    strv_split(&parts, path, '/');
    strv_foreach (&parts, part) {
        if (!*part)
            continue;
        if (mkdirat(*fd, part, 0755) < 0 && errno != EEXIST)
            return -errno;
        int next = open_dir(*fd, part);
        if (next < 0)
            return next;
        close_fd(fd);
        *fd = next;
        enable(next, wanted);
    }
    return 0;
}

/* The open directory in which the new one is made, and its name. */
static int find_parent(const struct cgroup_request *q, const struct levels *l, struct strv *wanted,
                       int *ret_fd, char **ret_dir, struct err *err)
{
    bool absolute = q->parent && *q->parent == '/';
    auto_free char *clean = q->parent ? path_join("/", q->parent) : NULL;
    size_t level = absolute ? 0 : choose_level(l, wanted);
    const char *base = absolute ? l->point : l->dir[level];
    auto_close int fd =
        absolute ? open_dir(AT_FDCWD, base) : fcntl(l->fd[level], F_DUPFD_CLOEXEC, 3);
    int r = fd < 0 ? fd : clean ? walk(&fd, clean, wanted) : 0;
    if (r == 0 && !may_use(fd))
        r = -EACCES;
    if (r < 0)
        return err_errno(err, r, "cgroup parent %s", q->parent ? q->parent : base);
    *ret_dir = xasprintf("%s%s", base, clean && clean[1] ? clean : "");
    *ret_fd = take_fd(&fd);
    return 0;
}

static int make_in(int parent, const char *parent_dir, const struct cgroup_request *q,
                   const char *point, struct cgroup *ret, struct strv *ret_missing, struct err *err)
{
    auto_done(cgroup) struct cgroup cg = {0};
    auto_free char *dir = xasprintf("%s/%s", parent_dir, q->name);
    int r = mkdirat(parent, q->name, 0755) < 0 ? -errno : 0;
    if (r == -EEXIST && (r = cgroup_remove(dir, err)) == 0)
        r = mkdirat(parent, q->name, 0755) < 0 ? -errno : 0;
    if (r < 0)
        return err_errno(err, r, "make the cgroup %s", dir);
    r = cgroup_open(dir, &cg, err);
    if (r == 0)
        r = cgroup_apply(cg.fd, q->settings, ret_missing, err);
    if (r < 0) {
        unlinkat(parent, q->name, AT_REMOVEDIR);
        return r;
    }
    cg.path = xstrdup(dir + strlen(point));
    *ret = cg;
    cg = (struct cgroup){0};
    return 0;
}

int cgroup_make(const struct cgroup_request *q, struct cgroup *ret, struct strv *ret_missing,
                struct err *err)
{
    auto_done(levels) struct levels l = {0};
    auto_strv wanted = {0}, useful = {0};
    auto_close int parent = -1;
    auto_free char *dir = NULL;
    find_levels(&l, q->split);
    if (l.n == 0) {
        if (q->parent)
            return err_set(err, -EACCES,
                           "cgroup parent %s: no cgroup is delegated to this user here", q->parent);
        for (size_t i = 0; i < q->settings->len; i++)
            strv_add_owned(ret_missing,
                           xstrndup(q->settings->v[i], strcspn(q->settings->v[i], "=")));
        return 0;
    }
    controllers_of(q->settings, &wanted);
    int r = find_parent(q, &l, &wanted, &parent, &dir, err);
    if (r < 0)
        return r;
    /* For `stats` and to see what is killed for want of memory: if they are to be had. */
    strv_split(&useful, "memory pids cpu io", ' ');
    enable(parent, &useful);
    return make_in(parent, dir, q, l.point, ret, ret_missing, err);
}
