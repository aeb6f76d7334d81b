/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system of a container that does not run, as a directory. */
#include "engine/container_mount.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "engine/events.h"
#include "engine/overlay_mounts.h"
#include "engine/root.h"
#include "overlay-fuse/client.h"
#include "runtime/join.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIND OVERLAY_MOUNTS_CONTAINERS

/* In a child, so that the caller keeps its namespace: whatever is started here has another one, to
 * which no later mount spreads, and none of our pipes. Sends the channel to the server. */
static _Noreturn void starter_main(const struct root *root, int answer)
{
    struct err err = {0};
    struct id_maps ids = {0};
    join_read_maps(getpid(), &ids, NULL);
    struct overlay_client_options o = {.single_id = ids.single};
    int channel = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    root_overlay_options(root, &o.overlay);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        err_errno(&err, -errno, "a mount namespace for the file server");
    else
        overlay_client_start(&o, &channel, &err);
    channel_send(answer, OVERLAY_MSG_DEVICE, &err, sizeof(err), &channel, channel >= 0);
    _exit(0);
}

/* Waits for a struct err, which is our result, and perhaps a descriptor. Who ends without a word
 * has failed, which `silence` tells. */
static int receive_answer(int from, const char *silence, int *ret_fd, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    struct err answer = {.code = -EPIPE};
    int r = channel_recv(from, msg);
    if (r == 1 && msg->len == sizeof(answer))
        memcpy(&answer, msg->data, sizeof(answer));
    if (answer.code == 0 && ret_fd && msg->n_fds == 1)
        *ret_fd = take_fd(&msg->fds[0]);
    channel_msg_done(msg);
    if (answer.code == 0)
        return 0;
    if (!*answer.message)
        return err_set(err, answer.code, "%s", silence);
    if (err)
        *err = answer;
    return answer.code;
}

static int start_server(const struct root *root, int *ret_channel, struct err *err)
{
    int pair[2], status;
    int r = channel_pair(pair, err);
    if (r < 0)
        return r;
    auto_close int ours = pair[0], theirs = pair[1];
    pid_t pid = fork();
    if (pid == 0)
        starter_main(root, theirs);
    if (pid < 0)
        return err_errno(err, -errno, "fork");
    close_fd(&theirs);
    r = receive_answer(ours, "the file server could not be started", ret_channel, err);
    proc_wait(pid, &status);
    return r;
}

/* Hands the device over and waits until it is served. */
static int serve(int server, int device, struct err *err)
{
    int r = channel_send(server, OVERLAY_MSG_DEVICE, NULL, 0, &device, 1);
    return r < 0 ? err_errno(err, r, "the file server")
                 : receive_answer(server, "the file server ended early", NULL, err);
}

static int mount_at(const struct root *root, const char *path, struct err *err)
{
    char data[256];
    auto_close int server = -1;
    auto_close int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return err_errno(err, -errno, "/dev/fuse");
    int r = start_server(root, &server, err);
    if (r < 0)
        return r;
    overlay_client_mount_data(device, 0, 0, data);
    if (mount("overlay", path, "fuse.wherry", MS_NODEV, data) < 0)
        return err_errno(err, -errno, "mount at %s", path);
    r = serve(server, device, err);
    if (r < 0)
        umount2(path, MNT_DETACH);
    return r;
}

static int make_place(struct engine *e, const char *id, struct err *err)
{
    auto_free char *place = xasprintf(KIND "/%s", id), *root = xasprintf("%s/root", place);
    const char *const dirs[] = {KIND, place, root};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
        if (mkdirat(e->store.run_fd, dirs[i], 0700) < 0 && errno != EEXIST)
            return err_errno(err, -errno, "mkdir %s", dirs[i]);
    return 0;
}

static int mount_new(struct engine *e, struct store_container *c, struct err *err)
{
    auto_strv layers = {0};
    auto_done(root) struct root root = {0};
    auto_free char *path = xasprintf("%s/" KIND "/%s/root", e->store.runroot, c->id);
    int r = root_container_layers(c, &layers, err);
    if (r == 0)
        r = root_init(&root, &e->store, &layers, c->path, err);
    if (r == 0)
        r = make_place(e, c->id, err);
    if (r == 0)
        r = mount_at(&root, path, err);
    if (r == 0)
        event_container(&e->store, c, "mount", -1);
    return r < 0 && err ? err_wrap(err, "mount container %s", c->name) : r;
}

static int check(const struct store_container *c, struct err *err)
{
    if (geteuid() != 0)
        return err_set(err, -EPERM,
                       "cannot run command \"wherry mount\" in rootless mode, must execute "
                       "`wherry unshare` first");
    if (container_is_up(c))
        return err_kind(err, ERR_IN_USE, -EBUSY,
                        "container %s runs, and its root is mounted in its own namespaces alone: "
                        "use `wherry exec` or `wherry cp`, or stop it first",
                        c->name);
    return 0;
}

int container_mount(struct engine *e, struct store_container *c, char **ret_path, struct err *err)
{
    const char *rootfs = json_get_string(c->config, "Rootfs", "");
    auto_close int lock = store_container_lock(c, err);
    int r = lock < 0 ? lock : store_container_reload(c, err);
    if (r == 0)
        r = check(c, err);
    if (r < 0)
        return r;
    if (*rootfs) {
        *ret_path = xstrdup(rootfs);
        return 0;
    }
    auto_close int mounts = overlay_mounts_lock(e, KIND, err);
    if (mounts < 0)
        return mounts;
    if (overlay_mounts_find(e, KIND, c->id, ret_path))
        return 0;
    r = mount_new(e, c, err);
    if (r == 0 && !overlay_mounts_find(e, KIND, c->id, ret_path))
        return err_set(err, -EIO, "container %s was not mounted", c->name);
    return r;
}

void container_mount_forget(struct engine *e, const struct store_container *c)
{
    auto_free char *place = xasprintf(KIND "/%s", c->id), *root = xasprintf("%s/root", place);
    if (unlinkat(e->store.run_fd, root, AT_REMOVEDIR) == 0)
        unlinkat(e->store.run_fd, place, AT_REMOVEDIR);
}

int container_unmount(struct engine *e, const struct store_container *c, bool force, bool *ret_was,
                      struct err *err)
{
    auto_free char *path = NULL, *place = xasprintf(KIND "/%s", c->id);
    if (ret_was)
        *ret_was = false;
    /* Others have none of it in their namespace. */
    if (!exists_at(e->store.run_fd, place) || geteuid() != 0)
        return 0;
    auto_close int lock = overlay_mounts_lock(e, KIND, err);
    if (lock < 0)
        return lock;
    if (!overlay_mounts_find(e, KIND, c->id, &path))
        return 0;
    if (umount2(path, force ? MNT_DETACH : 0) < 0)
        return err_errno(err, -errno, "unmount container %s", c->name);
    container_mount_forget(e, c);
    if (ret_was)
        *ret_was = true;
    event_container(&e->store, c, "unmount", -1);
    return 0;
}
