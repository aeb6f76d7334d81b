/* SPDX-License-Identifier: Apache-2.0 */
/* `info`: the machine and the store. */
#include "engine/info.h"

#include "base/json.h"
#include "engine/container.h"
#include "runtime/sandbox.h"

#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

static json_t *ranges(const struct id_range *r, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            all, json_pack("{s:I, s:I, s:I}", "container_id", (json_int_t)r[i].inside, "host_id",
                           (json_int_t)r[i].outside, "size", (json_int_t)r[i].count));
    return all;
}

static int host_object(json_t **ret, struct err *err)
{
    struct id_maps maps;
    struct utsname u;
    struct sysinfo si;
    int r = id_maps_choose(&maps, err);
    if (r < 0)
        return r;
    if (uname(&u) < 0 || sysinfo(&si) < 0)
        return err_errno(err, -errno, "info");
    *ret = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:b, s:{s:o, s:o}}", "arch",
                     platform_architecture(), "os", "linux", "kernel", u.release, "hostname",
                     u.nodename, "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "memTotal",
                     (json_int_t)(si.totalram * si.mem_unit), "idMode",
                     maps.single ? "single" : "subordinate", "fuse",
                     access("/dev/fuse", R_OK | W_OK) == 0, "idMappings", "uidmap",
                     ranges(maps.uids, maps.n_uids), "gidmap", ranges(maps.gids, maps.n_gids));
    return 0;
}

static int store_object(struct engine *e, json_t **ret, struct err *err)
{
    struct container_list_options o = {.all = true};
    auto_json json_t *containers = NULL;
    struct store_image *images = NULL;
    size_t n_images = 0, running = 0, i;
    json_t *row;
    int r = container_list(e, &o, &containers, err);
    if (r == 0)
        r = store_image_list(&e->store, &images, &n_images, err);
    if (r < 0)
        return r;
    store_image_list_done(images, n_images);
    json_array_foreach (containers, i, row)
        running += json_integer_value(json_object_get(row, "Pid")) > 0;
    size_t total = json_array_size(containers);
    *ret = json_pack("{s:o, s:o, s:s, s:i, s:i, s:i, s:i}", "graphRoot",
                     json_from_string(e->store.root), "runRoot", json_from_string(e->store.runroot),
                     "graphDriverName", "overlay-fuse", "images", (int)n_images, "containers",
                     (int)total, "running", (int)running, "stopped", (int)(total - running));
    return 0;
}

int engine_info(struct engine *e, json_t **ret, struct err *err)
{
    auto_json json_t *host = NULL, *store = NULL;
    int r = host_object(&host, err);
    if (r == 0)
        r = store_object(e, &store, err);
    if (r == 0)
        *ret = json_pack("{s:O, s:O, s:{s:s}}", "host", host, "store", store, "version", "Version",
                         WHERRY_VERSION);
    return r;
}
