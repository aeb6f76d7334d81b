/* SPDX-License-Identifier: Apache-2.0 */
/* The words of mounts. */
#include "engine/mount_spec.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/safepath.h"

#include <string.h>

/* Words of one group exclude each other. */
enum group {
    G_ACCESS,
    G_EXEC,
    G_SUID,
    G_DEV,
    G_LABEL,
    G_CHOWN,
    G_COPY,
    G_SHARE,
    G_BIND,
    G_OVERLAY,
    G_FORM
};

enum { BIND = 1, VOLUME = 2, TMPFS = 4, IMAGE = 8 }; /* 1 << enum mount_type */

#define ALL     (BIND | VOLUME | TMPFS)
#define SHARING "[r]shared', '[r]private', '[r]slave' or '[r]unbindable"

static const struct word {
    const char *word;
    enum group group;
    unsigned types;
    const char *choice; /* of its group, for the message */
} words[] = {
    {"ro", G_ACCESS, ALL | IMAGE, "rw' or 'ro"},
    {"rw", G_ACCESS, ALL | IMAGE, "rw' or 'ro"},
    {"noexec", G_EXEC, ALL, "exec' or 'noexec"},
    {"exec", G_EXEC, ALL, "exec' or 'noexec"},
    {"nosuid", G_SUID, ALL, "suid' or 'nosuid"},
    {"suid", G_SUID, ALL, "suid' or 'nosuid"},
    {"nodev", G_DEV, ALL, "dev' or 'nodev"},
    {"dev", G_DEV, ALL, "dev' or 'nodev"},
    {"z", G_LABEL, BIND | VOLUME, "z' or 'Z"},
    {"Z", G_LABEL, BIND | VOLUME, "z' or 'Z"},
    {"U", G_CHOWN, ALL, "U"},
    {"nocopy", G_COPY, VOLUME, "copy' or 'nocopy"},
    {"copy", G_COPY, VOLUME, "copy' or 'nocopy"},
    {"tmpcopyup", G_COPY, TMPFS, "tmpcopyup' or 'notmpcopyup"},
    {"notmpcopyup", G_COPY, TMPFS, "tmpcopyup' or 'notmpcopyup"},
    {"private", G_SHARE, ALL, SHARING},
    {"rprivate", G_SHARE, ALL, SHARING},
    {"slave", G_SHARE, ALL, SHARING},
    {"rslave", G_SHARE, ALL, SHARING},
    {"shared", G_SHARE, ALL, SHARING},
    {"rshared", G_SHARE, ALL, SHARING},
    {"unbindable", G_SHARE, ALL, SHARING},
    {"runbindable", G_SHARE, ALL, SHARING},
    {"bind", G_BIND, BIND | VOLUME, "[r]bind"},
    {"rbind", G_BIND, BIND | VOLUME, "[r]bind"},
    {"O", G_OVERLAY, BIND | VOLUME, "O"},
    /* Of Docker on macOS; on Linux they say what is so anyway. */
    {"cached", G_FORM, BIND | VOLUME, "consistent', 'cached' or 'delegated"},
    {"delegated", G_FORM, BIND | VOLUME, "consistent', 'cached' or 'delegated"},
    {"consistent", G_FORM, BIND | VOLUME, "consistent', 'cached' or 'delegated"},
};

static const struct word *word_find(const char *text, size_t len, enum mount_type type)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0 &&
            (words[i].types & 1U << type))
            return &words[i];
    return NULL;
}

/* Whether a word of this group is among the options already. */
static bool group_given(const struct mount_spec *spec, enum group group)
{
    for (size_t i = 0; i < spec->options.len; i++) {
        const char *o = spec->options.v[i];
        const struct word *w = word_find(o, strlen(o), spec->type);
        if (w && w->group == group)
            return true;
    }
    return false;
}

static int use_word(struct mount_spec *spec, const struct word *w, const char *text,
                    struct err *err)
{
    bool twice = w->group == G_SHARE   ? spec->propagation != NULL
                 : w->group == G_LABEL ? spec->label != NULL
                                       : group_given(spec, w->group);
    if (twice)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid options \"%s\", can only specify 1 '%s' "
                        "option",
                        text, w->choice);
    switch (w->group) {
    case G_SHARE: spec->propagation = w->word; break;
    case G_LABEL: spec->label = w->word; break;
    case G_ACCESS: spec->read_only = w->word[1] == 'o'; /* fall through */
    default: strv_add(&spec->options, w->word);
    }
    return 0;
}

/* What a tmpfs takes in the kernel's own form. */
static bool is_tmpfs_value(const char *text)
{
    static const char *const keys[] = {"size=", "mode=", "uid=", "gid=", "nr_inodes="};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strncmp(text, keys[i], strlen(keys[i])) == 0)
            return text[strlen(keys[i])] != 0;
    return false;
}

static int use_option(struct mount_spec *spec, const char *text, struct err *err)
{
    const struct word *w = word_find(text, strlen(text), spec->type);
    if (w)
        return use_word(spec, w, text, err);
    if (spec->type == MOUNT_TYPE_TMPFS && is_tmpfs_value(text)) {
        strv_add(&spec->options, text);
        return 0;
    }
    if (strcmp(text, "idmap") == 0 || strncmp(text, "idmap=", 6) == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "option \"idmap\": the kernel maps the ids of a mount only for root");
    if (spec->type == MOUNT_TYPE_TMPFS)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "unknown mount option \"%s\": invalid mount option", text);
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid option type \"%s\"", text);
}

/* "rw" and "ro" stand in `read_only`, and what was only to keep a default away says nothing more.
 */
/* What nobody decided: nosuid and nodev but for binds, rbind, tmpcopyup. */
static void add_defaults(struct mount_spec *spec)
{
    bool bind = spec->type == MOUNT_TYPE_BIND;
    if (spec->type != MOUNT_TYPE_IMAGE) {
        if (!bind && !group_given(spec, G_SUID))
            strv_add(&spec->options, "nosuid");
        if (!bind && !group_given(spec, G_DEV))
            strv_add(&spec->options, "nodev");
        if (spec->type == MOUNT_TYPE_TMPFS && !group_given(spec, G_COPY))
            strv_add(&spec->options, "tmpcopyup");
        if (spec->type != MOUNT_TYPE_TMPFS && !group_given(spec, G_BIND))
            strv_add(&spec->options, "rbind");
        spec->propagation = spec->propagation ? spec->propagation : "rprivate";
    }
    for (size_t i = spec->options.len; i > 0; i--) {
        const char *o = spec->options.v[i - 1];
        const struct word *w = word_find(o, strlen(o), spec->type);
        if (w && (w->group == G_ACCESS || w->group == G_FORM))
            strv_remove(&spec->options, i - 1);
    }
}

static int set_target(struct mount_spec *spec, const char *path, struct err *err)
{
    if (*path != '/')
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid container path \"%s\", must be an absolute path", path);
    free(spec->target);
    spec->target = path_clean(path);
    if (strcmp(spec->target, "/") == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid container path \"%s\": nothing can be mounted over the root",
                        path);
    return 0;
}

static int options_list(struct mount_spec *spec, const char *text, struct err *err)
{
    auto_strv list = {0};
    int r = 0;
    strv_split(&list, text, ',');
    for (size_t i = 0; i < list.len && r == 0; i++)
        r = use_option(spec, list.v[i], err);
    return r;
}

/* --- -v, --tmpfs ---------------------------------------------------------------------------- */

static int parse_volume(const char *text, struct mount_spec *spec, struct err *err)
{
    auto_strv parts = {0};
    strv_split(&parts, text, ':');
    if (parts.len < 1 || parts.len > 3)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "%s: incorrect volume format, should be [host-dir:]ctr-dir[:option]", text);
    if (parts.len > 1 && !*parts.v[0])
        return err_kind(err, ERR_USAGE, -EINVAL, "host directory cannot be empty");
    spec->type = MOUNT_TYPE_VOLUME;
    if (parts.len > 1) {
        spec->source = xstrdup(parts.v[0]);
        if (*spec->source == '/' || *spec->source == '.')
            spec->type = MOUNT_TYPE_BIND;
    }
    int r = set_target(spec, parts.v[parts.len > 1], err);
    return r == 0 && parts.len == 3 ? options_list(spec, parts.v[2], err) : r;
}

int mount_spec_volume(const char *text, struct mount_spec *ret, struct err *err)
{
    auto_done(mount_spec) struct mount_spec spec = {0};
    int r = parse_volume(text, &spec, err);
    if (r < 0)
        return r;
    add_defaults(&spec);
    *ret = spec;
    spec = (struct mount_spec){0};
    return 0;
}

int mount_spec_tmpfs(const char *text, struct mount_spec *ret, struct err *err)
{
    auto_done(mount_spec) struct mount_spec spec = {.type = MOUNT_TYPE_TMPFS};
    const char *colon = strchrnul(text, ':');
    auto_free char *path = xstrndup(text, (size_t)(colon - text));
    int r = set_target(&spec, path, err);
    if (r == 0 && *colon)
        r = options_list(&spec, colon + 1, err);
    if (r < 0)
        return r;
    add_defaults(&spec);
    *ret = spec;
    spec = (struct mount_spec){0};
    return 0;
}

int mount_spec_of_image(const char *path, bool tmpfs, struct mount_spec *ret, struct err *err)
{
    auto_done(mount_spec) struct mount_spec spec = {.type = tmpfs ? MOUNT_TYPE_TMPFS
                                                                  : MOUNT_TYPE_VOLUME};
    int r = set_target(&spec, path, err);
    if (r < 0)
        return r;
    add_defaults(&spec);
    *ret = spec;
    spec = (struct mount_spec){0};
    return 0;
}

/* --- --mount -------------------------------------------------------------------------------- */

#define MOUNT_FORMAT                                                                               \
    "incorrect mount format: should be --mount type=<bind|tmpfs|volume|image>,[src=<host-dir|"     \
    "volume-name|image>,]target=<ctr-dir>[,options]"

/* Comma-separated values as Go's encoding/csv reads a line: a value that holds commas stands in
 * quotes, in which a quote is doubled. */
static int split_csv(const char *text, struct strv *ret, struct err *err)
{
    for (const char *p = text;;) {
        auto_buf field = {0};
        if (*p == '"') {
            for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
                p += *p == '"';
                buf_add_char(&field, *p);
            }
            if (*p != '"' || (p[1] && p[1] != ','))
                return err_kind(err, ERR_USAGE, -EINVAL, "%s: a quote is not where one can be",
                                text);
            p++;
        } else {
            size_t n = strcspn(p, ",");
            buf_add(&field, p, n);
            p += n;
        }
        strv_add(ret, buf_str(&field));
        if (!*p)
            return 0;
        p++;
    }
}

static int parse_bool(const char *key, const char *value, bool *ret, struct err *err)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        if (!value || strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *ret = !value || strcmp(value, yes[i]) == 0;
            return 0;
        }
    return err_kind(err, ERR_USAGE, -EINVAL, "%s=%s: must be true or false", key, value);
}

/* A key that stands for an option which is on or off. */
static int set_switch(struct mount_spec *spec, const char *key, const char *value, const char *on,
                      const char *off, struct err *err)
{
    bool b = false;
    int r = parse_bool(key, value, &b, err);
    if (r < 0)
        return r;
    const char *word = b ? on : off;
    return word ? use_option(spec, word, err) : 0;
}

static int set_source(struct mount_spec *spec, const char *value)
{
    free(spec->source);
    spec->source = xstrdup(value);
    return 0;
}

static int set_subpath(struct mount_spec *spec, const char *value)
{
    free(spec->subpath);
    spec->subpath = xstrdup(value);
    return 0;
}

static int set_relabel(struct mount_spec *spec, const char *value, struct err *err)
{
    if (strcmp(value, "shared") != 0 && strcmp(value, "private") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "relabel=%s: must be \"private\" or \"shared\"",
                        value);
    return use_option(spec, *value == 's' ? "z" : "Z", err);
}

static int set_tmpfs_value(struct mount_spec *spec, const char *key, const char *value,
                           struct err *err)
{
    auto_free char *option = xasprintf("%s=%s", key, value);
    return use_option(spec, option, err);
}

static bool is_one_of(const char *key, const char *list)
{
    auto_strv names = {0};
    strv_split(&names, list, '|');
    return strv_contains(&names, key);
}

#define UNKNOWN_KEY 1

/* Keys with a value. */
static int use_pair(struct mount_spec *spec, const char *key, const char *value, struct err *err)
{
    unsigned type = 1U << spec->type;
    if (is_one_of(key, "target|dst|destination"))
        return set_target(spec, value, err);
    if (is_one_of(key, "src|source") && (type & (BIND | VOLUME | IMAGE)))
        return set_source(spec, value);
    if (is_one_of(key, "subpath|volume-subpath") && (type & VOLUME))
        return set_subpath(spec, value);
    if (is_one_of(key, "subpath|image-subpath") && (type & IMAGE))
        return set_subpath(spec, value);
    if (strcmp(key, "bind-propagation") == 0 && (type & BIND)) {
        const struct word *w = word_find(value, strlen(value), spec->type);
        if (!w || w->group != G_SHARE)
            return err_kind(err, ERR_USAGE, -EINVAL, "bind-propagation=%s: must be one of '%s'",
                            value, SHARING);
        return use_word(spec, w, value, err);
    }
    if (strcmp(key, "relabel") == 0 && (type & (BIND | VOLUME)))
        return set_relabel(spec, value, err);
    if (strcmp(key, "consistency") == 0 && (type & (BIND | VOLUME)))
        return use_option(spec, value, err);
    if (strncmp(key, "tmpfs-", 6) == 0 && (type & TMPFS) && is_one_of(key + 6, "size|mode"))
        return set_tmpfs_value(spec, key + 6, value, err);
    return UNKNOWN_KEY;
}

/* Keys that are on alone, and on or off with a value. */
static int use_switch(struct mount_spec *spec, const char *key, const char *value, struct err *err)
{
    unsigned type = 1U << spec->type;
    if (is_one_of(key, "ro|readonly"))
        return set_switch(spec, key, value, "ro", "rw", err);
    if (strcmp(key, "rw") == 0)
        return set_switch(spec, key, value, "rw", "ro", err);
    if (is_one_of(key, "U|chown") && (type & ALL))
        return set_switch(spec, key, value, "U", NULL, err);
    if (strcmp(key, "bind-nonrecursive") == 0 && (type & BIND))
        return set_switch(spec, key, value, "bind", "rbind", err);
    if (is_one_of(key, "volume-nocopy|nocopy") && (type & VOLUME))
        return set_switch(spec, key, value, "nocopy", "copy", err);
    return UNKNOWN_KEY;
}

static int use_field(struct mount_spec *spec, const char *field, struct err *err)
{
    const char *eq = strchr(field, '=');
    auto_free char *key = xstrndup(field, eq ? (size_t)(eq - field) : strlen(field));
    int r = use_switch(spec, key, eq ? eq + 1 : NULL, err);
    if (r == UNKNOWN_KEY && eq)
        r = use_pair(spec, key, eq + 1, err);
    if (r != UNKNOWN_KEY)
        return r;
    if (!eq && is_one_of(key, "target|dst|destination|src|source"))
        return err_kind(err, ERR_USAGE, -EINVAL, "%s: must provide an argument for option", key);
    bool known = word_find(field, strlen(field), spec->type) || strcmp(key, "idmap") == 0 ||
                 (spec->type == MOUNT_TYPE_TMPFS && is_tmpfs_value(field));
    return known ? use_option(spec, field, err)
                 : err_kind(err, ERR_USAGE, -EINVAL, "%s: invalid mount option", key);
}

static int parse_type(const char *value, enum mount_type *ret, struct err *err)
{
    static const char *const types[] = {"bind", "volume", "tmpfs", "image"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i], value) == 0) {
            *ret = (enum mount_type)i;
            return 0;
        }
    if (strcmp(value, "devpts") == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "filesystem type \"devpts\": a container has one at /dev/pts already, "
                        "others are not supported");
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid filesystem type \"%s\"", value);
}

static int check_complete(struct mount_spec *spec, struct err *err)
{
    bool empty = !spec->source || !*spec->source;
    if (!spec->target)
        return err_kind(err, ERR_USAGE, -EINVAL, "must set volume destination");
    if (spec->type == MOUNT_TYPE_IMAGE && empty)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "must set source and destination for image volume");
    if (spec->type == MOUNT_TYPE_BIND && !spec->source)
        spec->source = xstrdup(spec->target); /* podman: the same path on both sides */
    if (spec->source && !*spec->source)
        return err_kind(err, ERR_USAGE, -EINVAL, "host directory cannot be empty");
    return 0;
}

static int parse_mount(const char *text, struct mount_spec *spec, struct err *err)
{
    auto_strv fields = {0};
    int r = split_csv(text, &fields, err);
    size_t type = fields.len;
    for (size_t i = 0; i < fields.len && r == 0 && type == fields.len; i++)
        if (strncmp(fields.v[i], "type=", 5) == 0)
            type = i;
    if (r == 0 && type == fields.len)
        return err_kind(err, ERR_USAGE, -EINVAL, MOUNT_FORMAT);
    if (r == 0)
        r = parse_type(fields.v[type] + 5, &spec->type, err);
    for (size_t i = 0; i < fields.len && r == 0; i++)
        if (i != type)
            r = use_field(spec, fields.v[i], err);
    return r < 0 ? r : check_complete(spec, err);
}

int mount_spec_mount(const char *text, struct mount_spec *ret, struct err *err)
{
    auto_done(mount_spec) struct mount_spec spec = {0};
    int r = parse_mount(text, &spec, err);
    if (r < 0)
        return r;
    spec.read_only |= spec.type == MOUNT_TYPE_IMAGE && !group_given(&spec, G_ACCESS);
    add_defaults(&spec);
    *ret = spec;
    spec = (struct mount_spec){0};
    return 0;
}

void mount_spec_done(struct mount_spec *spec)
{
    free(spec->source);
    free(spec->target);
    free(spec->subpath);
    strv_done(&spec->options);
    *spec = (struct mount_spec){0};
}
