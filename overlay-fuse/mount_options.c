/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a mount made by hand or by another engine.
 *
 * Some of fuse-overlayfs's options choose between ways to the same result, and we have one way:
 * threaded, fast_ino, xino and redirect_dir=off ask for nothing that is not so anyway. Those of the
 * kernel's overlayfs that fuse-overlayfs takes and does nothing about (index, metacopy, userxattr)
 * come from callers that pass one list to both, and are taken likewise. */
#include "overlay-fuse/mount_options.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void mount_options_done(struct mount_options *o)
{
    strv_done(&o->lowers);
    free(o->upper);
    free(o->work);
    free(o->mountpoint);
    buf_done(&o->fuse);
    id_mapping_done(&o->uids);
    id_mapping_done(&o->gids);
    *o = (struct mount_options){0};
}

static int bad(struct err *err, const char *name, const char *value)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid value \"%s\" for option %s",
                    value ? value : "", name);
}

/* "a:b\:c" is two paths. */
static void split_paths(const char *s, struct strv *ret)
{
    auto_buf part = {0};
    strv_clear(ret);
    for (;; s++) {
        if (*s == '\\' && (s[1] == ':' || s[1] == '\\')) {
            buf_add_char(&part, *++s);
            continue;
        }
        if (*s && *s != ':') {
            buf_add_char(&part, *s);
            continue;
        }
        if (part.len)
            strv_add(ret, part.data);
        buf_truncate(&part, 0);
        if (!*s)
            return;
    }
}

static void set_path(char **place, const char *value)
{
    free(*place);
    *place = value && *value ? xstrdup(value) : NULL;
}

/* "" (the name alone), "0", "1". */
static int take_flag(const char *name, const char *value, bool *ret, struct err *err)
{
    if (!value || strcmp(value, "1") == 0)
        *ret = true;
    else if (strcmp(value, "0") == 0)
        *ret = false;
    else
        return bad(err, name, value);
    return 0;
}

static int take_inverse(const char *name, const char *value, bool *ret, struct err *err)
{
    bool v = false;
    int r = take_flag(name, value, &v, err);
    if (r == 0)
        *ret = !v;
    return r;
}

static int take_squash(const char *name, const char *value, struct id_mapping *m, struct err *err)
{
    char *end;
    if (!value || !*value)
        return bad(err, name, value);
    unsigned long v = strtoul(value, &end, 10);
    if (*end || v > UINT32_MAX)
        return bad(err, name, value);
    m->squash = true;
    m->to = (uint32_t)v;
    return 0;
}

static int take_timeout(const char *value, struct mount_options *o, struct err *err)
{
    char *end;
    double v = value ? strtod(value, &end) : -1;
    if (!(v >= 0) || *end)
        return bad(err, "timeout", value);
    o->timeout = v;
    return 0;
}

static int take_permissions(const char *value, struct mount_options *o, struct err *err)
{
    if (!value || (strcmp(value, "0") != 0 && strcmp(value, "1") != 0 && strcmp(value, "2") != 0))
        return bad(err, "xattr_permissions", value);
    if (*value == '1')
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "xattr_permissions=1 keeps owners in privileged attributes, which is not "
                        "supported: use 0 or 2");
    o->virtual_owners = *value == '2';
    return 0;
}

/* One way is the only way. */
static int expect(const char *name, const char *value, const char *allowed, struct err *err)
{
    size_t len = value ? strlen(value) : 0;
    if (!value)
        return 0;
    for (const char *s = allowed; s; s = strchr(s, '|')) {
        s += *s == '|';
        if (strncmp(s, value, len) == 0 && (s[len] == '|' || !s[len]))
            return 0;
    }
    return err_kind(err, ERR_USAGE, -EINVAL, "option %s=%s is not supported", name, value);
}

static bool is_fuse_option(const char *name)
{
    static const char *const names[] = {
        "allow_other", "allow_root",  "default_permissions",
        "suid",        "nosuid",      "dev",
        "nodev",       "exec",        "noexec",
        "ro",          "rw",          "noatime",
        "atime",       "max_read",    "max_write",
        "fsname",      "subtype",     "auto_unmount",
        "sync",        "async",       "dirsync",
        "context",     "rootcontext",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Options of the kernel's overlayfs, of which engines pass on what stands in their configuration.
 * They say how it works inside, or what others need not know of it. */
static bool is_overlayfs_option(const char *name)
{
    static const char *const names[] = {"metacopy", "index",  "nfs_export", "userxattr",
                                        "uuid",     "verity", "lazytime",   "relatime"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int take_option(struct mount_options *o, const char *name, const char *value,
                       struct err *err)
{
    if (strcmp(name, "lowerdir") == 0)
        split_paths(value ? value : "", &o->lowers);
    else if (strcmp(name, "upperdir") == 0)
        set_path(&o->upper, value);
    else if (strcmp(name, "workdir") == 0)
        set_path(&o->work, value);
    else if (strcmp(name, "uidmapping") == 0)
        return id_mapping_parse(value ? value : "", &o->uids, err);
    else if (strcmp(name, "gidmapping") == 0)
        return id_mapping_parse(value ? value : "", &o->gids, err);
    else if (strcmp(name, "squash_to_root") == 0)
        o->uids.squash = o->gids.squash = true;
    else if (strcmp(name, "squash_to_uid") == 0)
        return take_squash(name, value, &o->uids, err);
    else if (strcmp(name, "squash_to_gid") == 0)
        return take_squash(name, value, &o->gids, err);
    else if (strcmp(name, "xattr_permissions") == 0)
        return take_permissions(value, o, err);
    else if (strcmp(name, "noxattrs") == 0)
        return take_flag(name, value, &o->no_xattrs, err);
    else if (strcmp(name, "noacl") == 0)
        return take_flag(name, value, &o->no_acl, err);
    else if (strcmp(name, "static_nlink") == 0)
        return take_flag(name, value, &o->static_nlink, err);
    else if (strcmp(name, "volatile") == 0)
        return take_flag(name, value, &o->no_fsync, err);
    else if (strcmp(name, "fsync") == 0)
        return take_inverse(name, value, &o->no_fsync, err);
    else if (strcmp(name, "writeback") == 0)
        return take_inverse(name, value, &o->no_writeback, err);
    else if (strcmp(name, "timeout") == 0)
        return take_timeout(value, o, err);
    else if (strcmp(name, "redirect_dir") == 0)
        return expect(name, value, "off", err);
    else if (strcmp(name, "xino") == 0)
        return expect(name, value, "on|off|auto", err);
    else if (strcmp(name, "threaded") == 0 || strcmp(name, "fast_ino") == 0)
        return expect(name, value, "0|1", err);
    else if (strcmp(name, "debug") == 0)
        o->debug = o->foreground = true;
    else if (is_fuse_option(name))
        buf_printf(&o->fuse, "%s%s%s%s", o->fuse.len ? "," : "", name, value ? "=" : "",
                   value ? value : "");
    else if (!is_overlayfs_option(name))
        return err_kind(err, ERR_USAGE, -EINVAL, "unknown option %s", name);
    return 0;
}

/* "a,b=c\,d": commas behind a backslash belong to the value. */
static int take_options(struct mount_options *o, const char *s, struct err *err)
{
    while (*s) {
        auto_buf word = {0};
        for (; *s && *s != ','; s++) {
            if (*s == '\\' && s[1] == ',')
                s++;
            buf_add_char(&word, *s);
        }
        s += *s == ',';
        if (!word.len)
            continue;
        char *value = strchr(word.data, '=');
        if (value)
            *value++ = 0;
        int r = take_option(o, word.data, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check(struct mount_options *o, struct err *err)
{
    if (o->help || o->version)
        return 0;
    if (!o->mountpoint)
        return err_kind(err, ERR_USAGE, -EINVAL, "no mount point given");
    if (!o->lowers.len)
        return err_kind(err, ERR_USAGE, -EINVAL, "option lowerdir is missing");
    if (!o->upper != !o->work)
        return err_kind(err, ERR_USAGE, -EINVAL, "upperdir and workdir go together");
    return 0;
}

static int take_word(struct mount_options *o, const char *word, struct err *err)
{
    if (strcmp(word, "-f") == 0)
        o->foreground = true;
    else if (strcmp(word, "-d") == 0 || strcmp(word, "--debug") == 0)
        o->debug = o->foreground = true;
    else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        o->help = true;
    else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        o->version = true;
    else if (strncmp(word, "-o", 2) == 0)
        return take_options(o, word + 2, err);
    else if (*word == '-' && strcmp(word, "-s") != 0) /* one thread is what there is */
        return err_kind(err, ERR_USAGE, -EINVAL, "unknown flag %s", word);
    else if (*word != '-')
        set_path(&o->mountpoint, word); /* of two words the first is mount(8)'s source */
    return 0;
}

int mount_options_parse(int argc, char **argv, struct mount_options *ret, struct err *err)
{
    auto_done(mount_options) struct mount_options o = {.timeout = 1e9};
    for (int i = 1; i < argc; i++) {
        bool apart = strcmp(argv[i], "-o") == 0;
        if (apart && ++i == argc)
            return err_kind(err, ERR_USAGE, -EINVAL, "flag needs an argument: -o");
        int r = apart ? take_options(&o, argv[i], err) : take_word(&o, argv[i], err);
        if (r < 0)
            return r;
    }
    int r = check(&o, err);
    if (r < 0)
        return r;
    *ret = o;
    o = (struct mount_options){0};
    return 0;
}
