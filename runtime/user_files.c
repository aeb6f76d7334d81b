/* SPDX-License-Identifier: Apache-2.0 */
/* The container's passwd and group with the lines of users that the image does not know.
 *
 * Should: leave the image's files as they are. Mustn't: let a value break a line in two. */
#include "runtime/user_files.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/safepath.h"
#include "runtime/mount_api.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void user_files_done(struct user_files *f)
{
    free(f->passwd);
    free(f->group);
    *f = (struct user_files){0};
}

static void append(char **text, bool *changed, const char *line)
{
    size_t n = strlen(*text);
    char *longer = xasprintf("%s%s%s\n", *text, n && (*text)[n - 1] != '\n' ? "\n" : "", line);
    free(*text);
    *text = longer;
    *changed = true;
}

/* Whether a line begins with the name of `line`. */
static bool has_name(const char *text, const char *line)
{
    size_t n = strcspn(line, ":") + 1;
    for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        if (strncmp(p, line, n) == 0)
            return true;
    return false;
}

int user_files_read(struct user_files *f, const struct sandbox *sb, int root, struct err *err)
{
    int r = user_file_read(root, "/etc/passwd", &f->passwd, err);
    if (r == 0)
        r = user_file_read(root, "/etc/group", &f->group, err);
    for (size_t i = 0; r == 0 && i < sb->users.lines.len; i++)
        if (!has_name(f->passwd, sb->users.lines.v[i]))
            append(&f->passwd, &f->passwd_changed, sb->users.lines.v[i]);
    return r;
}

/* podman's --passwd-entry and --group-entry: $NAMEs are replaced. */
static char *expand(const char *template, const char *const names[][2])
{
    auto_buf out = {0};
    for (const char *p = template; *p;) {
        size_t i = 0, n = 0;
        while (names[i][0] && strncmp(p, names[i][0], n = strlen(names[i][0])) != 0)
            i++;
        if (names[i][0]) {
            buf_add(&out, names[i][1], strlen(names[i][1]));
            p += n;
        } else if (*p != '\n') {
            buf_add_char(&out, *p++);
        } else {
            p++;
        }
    }
    return xstrdup(buf_str(&out));
}

static void add_user(struct user_files *f, const struct sandbox *sb, struct user *u)
{
    char uid[16], gid[16];
    snprintf(uid, sizeof(uid), "%u", u->uid);
    snprintf(gid, sizeof(gid), "%u", u->gid);
    const char *home = sb->work_dir && *sb->work_dir == '/' ? sb->work_dir : "/";
    const char *name = sb->users.name ? sb->users.name : uid;
    const char *full = sb->users.full_name ? sb->users.full_name : "container user";
    const char *const names[][2] = {{"$USERNAME", name}, {"$UID", uid},   {"$GID", gid},
                                    {"$NAME", full},     {"$HOME", home}, {NULL, NULL}};
    auto_free char *line =
        expand(sb->users.passwd_entry ? sb->users.passwd_entry
                                      : "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh",
               names);
    append(&f->passwd, &f->passwd_changed, line);
    snprintf(u->home, sizeof(u->home), "%s", strlen(home) < sizeof(u->home) ? home : "/");
}

static void add_group_line(struct user_files *f, const struct sandbox *sb, const struct user *u)
{
    char gid[16];
    snprintf(gid, sizeof(gid), "%u", u->gid);
    const char *name = sb->users.name ? sb->users.name : gid;
    const char *list = sb->users.name ? sb->users.name : "";
    const char *const names[][2] = {
        {"$GROUPNAME", name}, {"$GID", gid}, {"$USERLIST", list}, {NULL, NULL}};
    auto_free char *line = expand(
        sb->users.group_entry ? sb->users.group_entry : "$GROUPNAME:x:$GID:$USERLIST", names);
    append(&f->group, &f->group_changed, line);
}

void user_files_add(struct user_files *f, const struct sandbox *sb, struct user *u)
{
    if (sb->users.untouched)
        return;
    if (*f->passwd && !u->found)
        add_user(f, sb, u);
    if (*f->group && !user_group_known(f->group, u->gid))
        add_group_line(f, sb, u);
}

static bool is_mounted(const struct sandbox *sb, const char *path)
{
    for (size_t i = 0; i < sb->n_mounts; i++)
        if (strcmp(sb->mounts[i].target, path) == 0)
            return true;
    return false;
}

/* The file is one of the container's /dev, a tmpfs of our own, where its name goes at once. */
static int show(int root, const char *path, const char *text, struct err *err)
{
    static const char name[] = ".wherry-users";
    auto_close int at = safe_open(root, path, O_PATH, 0);
    auto_close int dev = at < 0 ? at : mount_reopen(root, "/dev", TMPFS_MAGIC);
    if (dev < 0)
        return err_errno(err, dev, "the container's %s", path);
    auto_close int file =
        openat(dev, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        return err_errno(err, -errno, "a file over %s", path);
    int r = write_full(file, text, strlen(text));
    auto_close int bound = r < 0 ? r : mount_bind_at(file, at, false, MS_NODEV);
    unlinkat(dev, name, 0);
    return bound < 0 ? err_errno(err, bound, "a file over %s", path) : 0;
}

int user_files_show(const struct user_files *f, const struct sandbox *sb, int root, struct err *err)
{
    int r = 0;
    if (f->passwd_changed && !is_mounted(sb, "/etc/passwd"))
        r = show(root, "/etc/passwd", f->passwd, err);
    if (r == 0 && f->group_changed && !is_mounted(sb, "/etc/group"))
        r = show(root, "/etc/group", f->group, err);
    return r == -ENOENT ? 0 : r;
}
