/* SPDX-License-Identifier: Apache-2.0 */
/* `info`: the machine and the store. */
#include "engine/info.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/container.h"
#include "runtime/sandbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
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

/* ID, VERSION_ID and VERSION_CODENAME of os-release(5), as podman's distribution. */
static json_t *distribution(void)
{
    static const char *const keys[][2] = {
        {"ID=", "distribution"}, {"VERSION_ID=", "version"}, {"VERSION_CODENAME=", "codename"}};
    json_t *o = json_pack("{s:s, s:s}", "distribution", "unknown", "version", "unknown");
    auto_buf text = {0};
    if (file_read_at(AT_FDCWD, "/etc/os-release", 65536, &text, NULL) < 0 &&
        file_read_at(AT_FDCWD, "/usr/lib/os-release", 65536, &text, NULL) < 0)
        return o;
    auto_strv lines = {0};
    strv_split(&lines, buf_str(&text), '\n');
    strv_foreach (&lines, line)
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
            size_t len = strlen(keys[i][0]);
            if (strncmp(line, keys[i][0], len) != 0)
                continue;
            char *value = line + len + (line[len] == '"');
            value[strcspn(value, "\"")] = 0;
            json_put(o, keys[i][1], json_from_string(value));
        }
    return o;
}

/* What the user's cgroup lets him limit: the unified hierarchy's controllers. */
static void put_cgroups(json_t *host)
{
    auto_buf text = {0};
    auto_strv names = {0};
    bool v2 = file_read_at(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", 4096, &text, NULL) == 0;
    if (v2) {
        buf_truncate(&text, strcspn(buf_str(&text), "\n"));
        strv_split(&names, buf_str(&text), ' ');
    }
    json_put_string(host, "cgroupVersion", v2 ? "v2" : "v1");
    json_put(host, "cgroupControllers", json_from_strv(&names));
}

/* As podman writes it: "7h 33m 27.00s (Approximately 0.29 days)". */
static json_t *uptime_text(long seconds)
{
    auto_buf b = {0};
    if (seconds >= 3600)
        buf_printf(&b, "%ldh ", seconds / 3600);
    buf_printf(&b, "%ldm %.2fs", seconds / 60 % 60, (double)(seconds % 60));
    if (seconds >= 3600)
        buf_printf(&b, " (Approximately %.2f days)", (double)seconds / 86400);
    return json_string(buf_str(&b));
}

static json_t *security(void)
{
    return json_pack("{s:b, s:s, s:b, s:b, s:s, s:b}", "apparmorEnabled", 0, "capabilities",
                     "CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_FOWNER,CAP_FSETID,CAP_KILL,"
                     "CAP_NET_BIND_SERVICE,CAP_SETFCAP,CAP_SETGID,CAP_SETPCAP,CAP_SETUID,"
                     "CAP_SYS_CHROOT",
                     "rootless", geteuid() != 0, "seccompEnabled", 1, "seccompProfilePath", "",
                     "selinuxEnabled", 0);
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
    json_t *h = json_pack("{s:s, s:s, s:s, s:s, s:i}", "arch", platform_architecture(), "os",
                          "linux", "kernel", u.release, "hostname", u.nodename, "cpus",
                          (int)sysconf(_SC_NPROCESSORS_ONLN));
    put_cgroups(h);
    json_put(h, "distribution", distribution());
    json_put_string(h, "idMode", maps.single ? "single" : "subordinate");
    json_put(h, "idMappings",
             json_pack("{s:o, s:o}", "uidmap", ranges(maps.uids, maps.n_uids), "gidmap",
                       ranges(maps.gids, maps.n_gids)));
    json_put(h, "fuse", json_boolean(access("/dev/fuse", R_OK | W_OK) == 0));
    json_put_string(h, "logDriver", "k8s-file");
    json_put(h, "memFree", json_integer((json_int_t)(si.freeram * si.mem_unit)));
    json_put(h, "memTotal", json_integer((json_int_t)(si.totalram * si.mem_unit)));
    json_put(h, "swapFree", json_integer((json_int_t)(si.freeswap * si.mem_unit)));
    json_put(h, "swapTotal", json_integer((json_int_t)(si.totalswap * si.mem_unit)));
    json_put(h, "security", security());
    json_put(h, "serviceIsRemote", json_false());
    json_put(h, "uptime", uptime_text(si.uptime));
    *ret = h;
    return 0;
}

static json_t *lower_roots(const struct store *s)
{
    json_t *a = json_array();
    for (size_t i = 0; i < s->n_lowers; i++)
        json_array_append_new(a, json_from_string(s->lowers[i].root));
    return a;
}

/* Bytes of the file system that the store is on. */
static void put_file_system(const struct store *s, json_t *o)
{
    struct statvfs fs;
    if (fstatvfs(s->root_fd, &fs) < 0)
        return;
    json_put(o, "graphRootAllocated", json_integer((json_int_t)(fs.f_blocks * fs.f_frsize)));
    json_put(o, "graphRootUsed",
             json_integer((json_int_t)((fs.f_blocks - fs.f_bfree) * fs.f_frsize)));
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
    json_t *s = json_object();
    json_put(s, "containerStore",
             json_pack("{s:i, s:i, s:i, s:i}", "number", (int)total, "paused", 0, "running",
                       (int)running, "stopped", (int)(total - running)));
    json_put_string(s, "graphDriverName", "overlay-fuse");
    json_put(s, "graphRoot", json_from_string(e->store.root));
    put_file_system(&e->store, s);
    json_put(s, "imageStore", json_pack("{s:i}", "number", (int)n_images));
    json_put(s, "imageStores", lower_roots(&e->store));
    json_put(s, "runRoot", json_from_string(e->store.runroot));
    json_put(s, "volumePath", json_sprintf("%s/volumes", e->store.root));
    *ret = s;
    return 0;
}

int engine_info(struct engine *e, json_t **ret, struct err *err)
{
    auto_json json_t *host = NULL, *store = NULL;
    int r = host_object(&host, err);
    if (r == 0)
        r = store_object(e, &store, err);
    if (r < 0)
        return r;
    auto_free char *os_arch = xasprintf("linux/%s", platform_architecture());
    *ret = json_pack("{s:O, s:O, s:{s:s, s:s, s:s}}", "host", host, "store", store, "version",
                     "Version", WHERRY_VERSION, "Os", "linux", "OsArch", os_arch);
    return 0;
}
