/* SPDX-License-Identifier: Apache-2.0 */
/* From "Mounts" of config.json to the sandbox's mounts. */
#include "engine/sandbox_mounts.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "engine/network_files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

static const struct {
    const char *word;
    unsigned long flags;
} propagations[] = {
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

static int read_propagation(const json_t *m, struct sandbox_mount *ret, struct err *err)
{
    const char *word = json_get_string(m, "Propagation", "");
    if (!*word)
        return 0;
    for (size_t i = 0; i < sizeof(propagations) / sizeof(*propagations); i++)
        if (strcmp(propagations[i].word, word) == 0) {
            ret->propagation = propagations[i].flags;
            return 0;
        }
    return err_set(err, -EINVAL, "a mount has the propagation \"%.40s\"", word);
}

/* Where the changes of the next mount, if it has the option O, go. */
static const char *scratch_path(struct sandbox_config *config, const struct store_container *c)
{
    return sandbox_config_own(config,
                              xasprintf("%s/" SCRATCH_DIR "/%zu", c->path, config->n_mounts));
}

/* Of the image with this number, when it is writable. Allocated. */
static char *image_scratch(const struct store_container *c, uint32_t number)
{
    return xasprintf("%s/" SCRATCH_DIR "/image-%u", c->path, number);
}

/* What has a "=" is for the file system itself: "size=1m,mode=700". */
static void read_options(const json_t *m, struct sandbox_config *config,
                         const struct store_container *c, struct sandbox_mount *ret)
{
    auto_strv data = {0};
    const json_t *options = json_object_get(m, "Options");
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *o = json_string_value(json_array_get(options, i));
        if (!o)
            continue;
        ret->no_exec |= strcmp(o, "noexec") == 0;
        ret->no_suid |= strcmp(o, "nosuid") == 0;
        ret->no_dev |= strcmp(o, "nodev") == 0;
        ret->recursive |= strcmp(o, "rbind") == 0;
        ret->copy_up |= strcmp(o, "tmpcopyup") == 0;
        ret->chown |= strcmp(o, "U") == 0;
        if (strcmp(o, "O") == 0)
            ret->scratch = scratch_path(config, c);
        if (strchr(o, '='))
            strv_add(&data, o);
    }
    if (data.len)
        ret->data = sandbox_config_own(config, strv_join(&data, ","));
}

/* NULL: not a volume's name. */
static const char *volume_source(struct sandbox_config *config, const struct store *s,
                                 const char *name)
{
    return store_volume_name_valid(name)
               ? sandbox_config_own(config, xasprintf("%s/volumes/%s/_data", s->root, name))
               : NULL;
}

static int read_mount(struct sandbox_config *config, const struct store *s,
                      const struct store_container *c, const json_t *m, struct err *err)
{
    struct sandbox_mount mount = {.target = json_get_string(m, "Destination", NULL)};
    const char *type = json_get_string(m, "Type", "");
    bool writable = true;
    int r = json_want_bool(m, "RW", &writable, err);
    if (r == 0)
        r = read_propagation(m, &mount, err);
    if (r < 0)
        return r;
    mount.read_only = !writable;
    read_options(m, config, c, &mount);
    if (strcmp(type, "bind") == 0) {
        mount.kind = MOUNT_BIND;
        mount.source = json_get_string(m, "Source", NULL);
        mount.no_links = true;
    } else if (strcmp(type, "volume") == 0) {
        mount.kind = MOUNT_BIND;
        mount.source = volume_source(config, s, json_get_string(m, "Name", ""));
        mount.subpath = json_get_string(m, "SubPath", NULL);
    } else if (strcmp(type, "image") == 0) {
        mount.kind = MOUNT_SERVED;
        mount.number = ++config->n_served;
        mount.scratch =
            writable ? sandbox_config_own(config, image_scratch(c, mount.number)) : NULL;
        mount.subpath = json_get_string(m, "SubPath", NULL);
    } else if (strcmp(type, "tmpfs") == 0) {
        mount.kind = MOUNT_TMPFS;
    } else {
        return err_set(err, -EINVAL, "a mount has the type \"%.40s\"", type);
    }
    if (!mount.target || (mount.kind == MOUNT_BIND && !mount.source))
        return err_set(err, -EINVAL, "a mount lacks Source or Destination");
    sandbox_config_add_mount(config, &mount);
    return 0;
}

/* A file of ours is not wanted where the user mounted his own, and in a directory that he mounted
 * no target is made for it. */
static void add_own_files(struct sandbox_config *config, const struct store_container *c)
{
    size_t n_users = config->n_mounts;
    for (size_t i = 0; i < NETWORK_FILES; i++) {
        struct sandbox_mount own = {.kind = MOUNT_BIND, .target = network_files[i].target};
        bool taken = !network_file_wanted(i, json_object_get(c->config, "HostConfig"));
        for (size_t j = 0; j < n_users; j++) {
            taken |= strcmp(config->mounts[j].target, own.target) == 0;
            own.if_there |= path_is_within(own.target, config->mounts[j].target);
        }
        if (taken)
            continue;
        own.source = sandbox_config_own(config, xasprintf("%s/%s", c->path, network_files[i].name));
        sandbox_config_add_mount(config, &own);
    }
}

int sandbox_mounts_read(struct sandbox_config *config, const struct store *s,
                        const struct store_container *c, struct err *err)
{
    const json_t *mounts = NULL;
    int r = json_want_array(c->config, "Mounts", &mounts, err);
    for (size_t i = 0; r == 0 && i < json_array_size(mounts); i++)
        r = read_mount(config, s, c, json_array_get(mounts, i), err);
    if (r == 0)
        add_own_files(config, c);
    return r;
}

int sandbox_mounts_images(struct root *root, struct store *s, const struct store_container *c,
                          struct err *err)
{
    size_t i;
    uint32_t number = 0;
    json_t *m;
    int r = 0;
    json_array_foreach (json_object_get(c->config, "Mounts"), i, m) {
        auto_strv layers = {0};
        if (strcmp(json_get_string(m, "Type", ""), "image") != 0)
            continue;
        bool writable = json_is_true(json_object_get(m, "RW"));
        number++;
        auto_free char *dir = writable ? image_scratch(c, number) : NULL;
        r = json_want_strv(m, "Layers", &layers, err);
        if (r == 0)
            r = root_add_image(root, s, &layers, dir, err);
        if (r < 0)
            return err_wrap(err, "image %s", json_get_string(m, "Source", ""));
    }
    return 0;
}

static int make_scratch(const struct sandbox_config *config, struct err *err)
{
    static const char *const parts[] = {"upper", "work"};
    for (size_t i = 0; i < config->n_mounts; i++)
        for (size_t j = 0; config->mounts[i].scratch && j < 2; j++) {
            auto_free char *path = xasprintf("%s/%s", config->mounts[i].scratch, parts[j]);
            int r = mkdir_parents_at(AT_FDCWD, path, 0700, err);
            if (r < 0)
                return r;
        }
    return 0;
}

int sandbox_mounts_scratch(struct store *s, const struct sandbox_config *config,
                           const struct store_container *c, struct err *err)
{
    for (size_t i = 0; i < config->n_mounts; i++) {
        if (!config->mounts[i].scratch)
            continue;
        int r = store_container_remove_part(s, c, SCRATCH_DIR, err);
        return r < 0 ? r : make_scratch(config, err);
    }
    return 0;
}

/* Of a clean absolute path. */
static size_t depth(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

void sandbox_mounts_order(struct sandbox_config *config)
{
    /* By insertion: they are few, and equals keep their order. */
    for (size_t i = 1; i < config->n_mounts; i++) {
        struct sandbox_mount m = config->mounts[i];
        size_t j = i;
        for (; j > 0 && depth(config->mounts[j - 1].target) > depth(m.target); j--)
            config->mounts[j] = config->mounts[j - 1];
        config->mounts[j] = m;
    }
    config->sandbox.mounts = config->mounts;
    config->sandbox.n_mounts = config->n_mounts;
}
