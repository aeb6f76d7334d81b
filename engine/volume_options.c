/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a volume: parse, check, apply. */
#include "engine/volume_options.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

/* --- words ---------------------------------------------------------------------------------- */

static int invalid(struct err *err, const char *word, const char *why)
{
    return err_kind(err, ERR_USAGE, -EINVAL,
                    "invalid mount option %.200s for driver 'local': %s: invalid argument", word,
                    why);
}

static int parse_id(const char *word, const char *value, int64_t *ret, struct err *err)
{
    size_t len = strlen(value);
    if (len == 0 || len > 10 || strspn(value, "0123456789") != len)
        return invalid(err, word, "a number is wanted");
    int64_t id = strtoll(value, NULL, 10);
    if (id >= UINT32_MAX) /* the last one says "nobody" to chown(2) */
        return invalid(err, word, "there is no such id");
    *ret = id;
    return 0;
}

/* A number with one of these units at most, as the kernel's memparse() reads it. */
static bool is_amount(const char *value, const char *units)
{
    size_t digits = strspn(value, "0123456789");
    const char *unit = value + digits;
    return digits > 0 && digits < 19 && (!*unit || (strchr(units, *unit) && !unit[1]));
}

static bool is_mode(const char *value)
{
    size_t len = strlen(value);
    return len > 0 && len <= 5 && strspn(value, "01234567") == len &&
           strtol(value, NULL, 8) <= 07777;
}

/* Words with a value. */
static int use_value(struct volume_options *o, const char *word, const char *value, struct err *err)
{
    size_t key = (size_t)(value - 1 - word);
    if (key == 3 && (strncmp(word, "uid", key) == 0 || strncmp(word, "gid", key) == 0)) {
        int r = parse_id(word, value, *word == 'u' ? &o->uid : &o->gid, err);
        if (r < 0)
            return r;
    } else if (key == 4 && strncmp(word, "size", key) == 0) {
        if (!is_amount(value, "kKmMgGtT%"))
            return invalid(err, word, "a size is wanted, such as 64m");
    } else if (key == 9 && strncmp(word, "nr_inodes", key) == 0) {
        if (!is_amount(value, "kKmMgG"))
            return invalid(err, word, "a number is wanted");
    } else if (key == 4 && strncmp(word, "mode", key) == 0) {
        if (!is_mode(value))
            return invalid(err, word, "an octal mode is wanted");
    } else {
        return invalid(err, word, "this is not one of size, mode, uid, gid, nr_inodes");
    }
    strv_add(&o->data, word);
    return 0;
}

static int use_word(struct volume_options *o, const char *word, bool *ret_bind, struct err *err)
{
    const char *eq = strchr(word, '=');
    if (eq)
        return use_value(o, word, eq + 1, err);
    if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
        o->read_only = word[1] == 'o';
    else if (strcmp(word, "nosuid") == 0)
        o->no_suid = true;
    else if (strcmp(word, "nodev") == 0)
        o->no_dev = true;
    else if (strcmp(word, "noexec") == 0)
        o->no_exec = true;
    else if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0) {
        *ret_bind = true;
        o->recursive = *word == 'r';
    } else
        return invalid(err, word, "this is not one of ro, rw, nosuid, nodev, noexec, bind, rbind");
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool has_flags(const struct volume_options *o)
{
    return o->read_only || o->no_suid || o->no_dev || o->no_exec;
}

static int choose_kind(struct volume_options *o, const char *type, bool bind, struct err *err)
{
    bool none = !*type || strcmp(type, "none") == 0;
    if (strcmp(type, "tmpfs") == 0) {
        o->kind = VOLUME_TMPFS;
        return bind ? invalid(err, "bind", "a tmpfs binds nothing") : 0;
    }
    if (strcmp(type, "bind") == 0 || (none && bind)) {
        o->kind = VOLUME_BIND;
        return 0;
    }
    if (!none)
        return err_kind(err, ERR_USAGE, -EPERM,
                        "volume type \"%.100s\": the kernel lets only root mount it: mount it on "
                        "the host, and make a volume of its directory with --opt type=none --opt "
                        "o=bind --opt device=DIRECTORY",
                        type);
    o->kind = VOLUME_PLAIN;
    if (*type)
        return invalid(err, "type=none", "without o=bind there is nothing to mount");
    return 0;
}

static int check_kind(const struct volume_options *o, const char *device, struct err *err)
{
    if (o->kind == VOLUME_TMPFS)
        return 0;
    if (o->kind == VOLUME_BIND && *device != '/')
        return invalid(err, "device", "a bind needs the absolute path of a directory");
    if (o->kind == VOLUME_PLAIN && *device)
        return invalid(err, "device", "without type it is not known how to mount it");
    if (o->kind == VOLUME_PLAIN && has_flags(o))
        return invalid(err, "o", "without type there is no mount that could have this");
    for (size_t i = 0; i < o->data.len; i++) {
        const char *word = o->data.v[i];
        bool owner = strncmp(word + 1, "id=", 3) == 0;
        if (o->kind == VOLUME_BIND)
            return invalid(err, word, "a bind shows the host's directory as it is");
        if (!owner)
            return invalid(err, word, "this needs type=tmpfs");
    }
    return 0;
}

static int check_keys(const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)options, key, value) {
        if (strcmp(key, "type") != 0 && strcmp(key, "device") != 0 && strcmp(key, "o") != 0)
            return invalid(err, key, "this is not one of type, device, o");
        if (!json_is_string(value))
            return invalid(err, key, "a text is wanted");
    }
    return 0;
}

int volume_options_parse(const json_t *options, struct volume_options *ret, struct err *err)
{
    auto_done(volume_options) struct volume_options o = {.uid = -1, .gid = -1};
    auto_strv words = {0};
    bool bind = false;
    int r = check_keys(options, err);
    o.device = json_get_string(options, "device", "");
    strv_split(&words, json_get_string(options, "o", ""), ',');
    for (size_t i = 0; i < words.len && r == 0; i++)
        r = use_word(&o, words.v[i], &bind, err);
    if (r == 0)
        r = choose_kind(&o, json_get_string(options, "type", ""), bind, err);
    if (r == 0)
        r = check_kind(&o, o.device, err);
    if (r < 0)
        return r;
    *ret = o;
    o = (struct volume_options){0};
    return 0;
}

void volume_options_done(struct volume_options *o)
{
    strv_done(&o->data);
    *o = (struct volume_options){0};
}

/* --- use ------------------------------------------------------------------------------------ */

unsigned long volume_options_flags(const struct volume_options *o)
{
    return (o->read_only ? MS_RDONLY : 0) | (o->no_suid ? MS_NOSUID : 0) |
           (o->no_dev ? MS_NODEV : 0) | (o->no_exec ? MS_NOEXEC : 0);
}

int volume_options_check_owner(const struct volume_options *o, const struct id_maps *ids,
                               struct err *err)
{
    if (o->uid >= 0 && id_map_outside(ids->uids, ids->n_uids, (uint32_t)o->uid) < 0)
        return err_set(err, -EINVAL, "its owner uid=%u is no user of the container's",
                       (unsigned)o->uid);
    if (o->gid >= 0 && id_map_outside(ids->gids, ids->n_gids, (uint32_t)o->gid) < 0)
        return err_set(err, -EINVAL, "its owner gid=%u is no group of the container's",
                       (unsigned)o->gid);
    return 0;
}

int volume_options_apply(const struct volume_options *o, struct sandbox_config *config,
                         struct sandbox_mount *m, bool copy, struct err *err)
{
    if (o->kind == VOLUME_TMPFS && m->subpath)
        return err_set(err, -EINVAL, "it is a tmpfs, which begins without a subpath %s",
                       m->subpath);
    m->read_only |= o->read_only;
    m->no_suid |= o->no_suid;
    m->no_dev |= o->no_dev;
    m->no_exec |= o->no_exec;
    if (o->kind == VOLUME_TMPFS) {
        m->kind = MOUNT_TMPFS;
        m->scratch = NULL; /* its changes end with the run anyway */
        m->data = o->data.len ? sandbox_config_own(config, strv_join(&o->data, ",")) : NULL;
        m->copy_up = copy;
    } else {
        m->source = sandbox_config_own(config, xstrdup(o->device));
        m->no_links = true;
        m->recursive = o->recursive;
        m->copy_up = copy && !o->read_only && !m->subpath;
    }
    return 0;
}

int volume_data_open(const struct store_volume *v, bool write, struct err *err)
{
    auto_done(volume_options) struct volume_options o = {0};
    int r = volume_options_parse(json_object_get(v->config, "Options"), &o, err);
    if (r < 0)
        return r;
    if (o.kind == VOLUME_PLAIN)
        return open_dir_at(v->fd, "_data", err);
    if (o.kind == VOLUME_TMPFS)
        return err_set(err, -ENODATA, "it is a tmpfs, of which only a running container has data");
    if (write && o.read_only)
        return err_set(err, -EROFS, "it is read-only");
    r = safe_open_no_links(o.device, O_RDONLY | O_DIRECTORY);
    return r < 0 ? err_errno(err, r, "its device %s", o.device) : r;
}
