/* SPDX-License-Identifier: Apache-2.0 */
/* --userns=auto: ids that no other container has.
 *
 * Theory of operation. As many ids as the image's passwd and group and the user that was asked for
 * need, at least 1024 and at most 65536 as in podman, are taken from the subordinate ids, in one
 * range that is chosen once, when the container is made. The files are read through the overlay
 * core from the layers' indexes and tars, so nothing is mounted for it. Ranges that the user
 * forces (uidmapping=, gidmapping=) stand beside it. */
#include "engine/userns_auto.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/root.h"
#include "overlay-fuse/core.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN      1024 /* podman's */
#define SIZE_MAX_AUTO 65536
#define NOBODY        65534
#define FILE_MAX      ((size_t)1 << 20)

struct ranges {
    struct id_range *v;
    size_t n, cap;
};

struct auto_options {
    uint32_t size;                  /* 0: as many as it takes */
    struct strv uids, gids;         /* "CONTAINER:INTERMEDIATE:COUNT" */
    struct ranges uid_map, gid_map; /* the same */
};

static void auto_options_done(struct auto_options *o)
{
    strv_done(&o->uids);
    strv_done(&o->gids);
    free(o->uid_map.v);
    free(o->gid_map.v);
}
DEFINE_AUTO(auto_options, auto_options_done)

static bool add_range(struct ranges *to, const char *line)
{
    struct id_range r;
    int end = 0;
    if (!line || sscanf(line, "%u:%u:%u%n", &r.inside, &r.outside, &r.count, &end) != 3 ||
        line[end])
        return false;
    grow_array(to->v, to->n, to->cap);
    to->v[to->n++] = r;
    return true;
}

/* --- options --------------------------------------------------------------------------------- */

static bool use_option(struct auto_options *o, const char *text)
{
    const char *eq = strchr(text, '=');
    size_t n = eq ? (size_t)(eq - text) : 0;
    char *end;
    if (n == 4 && strncmp(text, "size", n) == 0 && eq[1] >= '0' && eq[1] <= '9') {
        unsigned long size = strtoul(eq + 1, &end, 10);
        o->size = size > INT32_MAX ? 0 : (uint32_t)size;
        return o->size > 0 && !*end;
    }
    bool uids = n == 10 && strncmp(text, "uidmapping", n) == 0;
    if (!uids && (n != 10 || strncmp(text, "gidmapping", n) != 0))
        return false;
    strv_add(uids ? &o->uids : &o->gids, eq + 1);
    return add_range(uids ? &o->uid_map : &o->gid_map, eq + 1);
}

static int read_options(const char *mode, struct auto_options *o, struct err *err)
{
    const char *colon = strchr(mode, ':');
    auto_strv options = {0};
    if (colon)
        strv_split(&options, colon + 1, ',');
    strv_foreach (&options, option)
        if (!use_option(o, option))
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "invalid option \"%s\" of --userns=%s: want size=COUNT, "
                            "uidmapping=CONTAINER:INTERMEDIATE:COUNT or gidmapping=...",
                            option, mode);
    return 0;
}

/* --- how many -------------------------------------------------------------------------------- */

/* Nobody is not worth 64 K of ids. */
static void need(uint32_t *size, unsigned long id)
{
    if (id < SIZE_MAX_AUTO && id != NOBODY && id >= *size)
        *size = (uint32_t)id + 1;
}

/* The numbers in the fields behind the second colon of each line: one of group, two of passwd. */
static void need_lines(uint32_t *size, char *text, int fields)
{
    char *save;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *at = strchr(line, ':');
        at = at ? strchr(at + 1, ':') : NULL;
        for (int i = 0; i < fields && at; i++) {
            if (at[1] >= '0' && at[1] <= '9')
                need(size, strtoul(at + 1, NULL, 10));
            at = strchr(at + 1, ':');
        }
    }
}

static void need_file(uint32_t *size, struct overlay *ov, const char *path, int fields)
{
    auto_free char *text = xcalloc(1, FILE_MAX + 1);
    ssize_t n = overlay_read(ov, path, text, FILE_MAX, 0);
    if (n > 0)
        need_lines(size, text, fields);
}

static int size_of(struct engine *e, const json_t *document, uint32_t *ret, struct err *err)
{
    auto_done(root) struct root root = {0};
    auto_strv layers = {0};
    auto_overlay ov = NULL;
    struct overlay_options o;
    uint32_t size = SIZE_MIN;
    const char *user = json_get_string(json_object_get(document, "Config"), "User", "");
    const char *group = strchr(user, ':');
    if (*user >= '0' && *user <= '9')
        need(&size, strtoul(user, NULL, 10));
    if (group && group[1] >= '0' && group[1] <= '9')
        need(&size, strtoul(group + 1, NULL, 10));
    int r = json_want_strv(document, "Layers", &layers, err);
    if (r == 0)
        r = root_init(&root, &e->store, &layers, "", err);
    if (r < 0)
        return r;
    root_overlay_options(&root, &o);
    o.upper = o.work = NULL;
    r = layers.len ? overlay_open(&o, &ov, err) : 0;
    if (r < 0)
        return r;
    if (ov) {
        need_file(&size, ov, "/etc/passwd", 2);
        need_file(&size, ov, "/etc/group", 1);
    }
    *ret = size;
    return 0;
}

/* --- which ----------------------------------------------------------------------------------- */

static void add_used(const json_t *config, struct ranges *used)
{
    const json_t *host = json_object_get(config, "HostConfig");
    const json_t *maps = json_object_get(host, "IDMappings");
    const char *mode = json_get_string(host, "UsernsMode", "");
    if (strncmp(mode, "auto", 4) != 0 || (mode[4] && mode[4] != ':'))
        return;
    for (int side = 0; side < 2; side++) {
        const json_t *lines = json_object_get(maps, side ? "GidMap" : "UidMap");
        for (size_t i = 0; i < json_array_size(lines); i++)
            add_range(used, json_string_value(json_array_get(lines, i)));
    }
}

static uint64_t count_ids(const struct id_range *ranges, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ranges[i].count;
    return sum;
}

/* Ids that no other container made with auto has, stopped ones included: they may be started. */
static int choose(struct engine *e, const struct auto_options *o, uint32_t *ret, struct err *err)
{
    struct store_container *all = NULL;
    struct ranges used = {0};
    struct id_maps base;
    size_t n = 0;
    int r = id_maps_choose(&base, err);
    if (r == 0)
        r = store_container_list(&e->store, &all, &n, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        add_used(all[i].config, &used);
        store_container_done(&all[i]);
    }
    free(all);
    for (size_t i = 0; i < o->uids.len; i++)
        add_range(&used, o->uids.v[i]);
    for (size_t i = 0; i < o->gids.len; i++)
        add_range(&used, o->gids.v[i]);
    uint64_t uids = count_ids(base.uids, base.n_uids), gids = count_ids(base.gids, base.n_gids);
    bool found = id_ranges_free(used.v, used.n, uids < gids ? uids : gids, o->size, ret);
    free(used.v);
    return found ? 0
                 : err_set(err, -ENOSPC,
                           "--userns=auto: no %u subordinate ids are left that no other container "
                           "has (see /etc/subuid and /etc/subgid)",
                           o->size);
}

/* The range from `start` for the container's ids 0 to `size` that are not forced elsewhere. */
static json_t *lines_of(const struct ranges *forced, const struct strv *texts, uint32_t size,
                        uint32_t start)
{
    json_t *lines = json_array();
    for (uint32_t at = 0; at < size;) {
        uint32_t end = size, past = 0;
        for (size_t i = 0; i < forced->n; i++) {
            const struct id_range *f = &forced->v[i];
            if (at >= f->inside && at - f->inside < f->count)
                past = f->count - (at - f->inside);
            else if (f->inside > at && f->inside < end)
                end = f->inside;
        }
        if (past) {
            at = past < size - at ? at + past : size;
            continue;
        }
        json_array_append_new(lines, json_sprintf("%u:%u:%u", at, start, end - at));
        start += end - at;
        at = end;
    }
    for (size_t i = 0; i < texts->len; i++)
        json_array_append_new(lines, json_string(texts->v[i]));
    return lines;
}

int userns_auto(struct engine *e, const char *mode, json_t *document, int *ret_lock,
                struct err *err)
{
    auto_done(auto_options) struct auto_options o = {0};
    uint32_t start = 0;
    int r = read_options(mode, &o, err);
    if (r == 0 && !o.size)
        r = size_of(e, document, &o.size, err);
    if (r < 0)
        return r;
    auto_close int lock =
        openat(e->store.root_fd, "cache/userns-auto", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return err_errno(err, -errno, "lock of --userns=auto");
    r = lock_fd(lock, true, true, err);
    if (r == 0)
        r = choose(e, &o, &start, err);
    if (r < 0)
        return r;
    json_put(json_object_get(document, "HostConfig"), "IDMappings",
             json_pack("{s:o, s:o}", "UidMap", lines_of(&o.uid_map, &o.uids, o.size, start),
                       "GidMap", lines_of(&o.gid_map, &o.gids, o.size, start)));
    *ret_lock = take_fd(&lock);
    return 0;
}
