/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts an overlay for one command, as a container has it: for tests, benches and suites.
 *
 *   overlay-mount [--layer TAR INDEX]... [--upper D --work D]
 *                 [--single-id | --map-sub] [--no-sync] MOUNTPOINT -- COMMAND [ARG...]
 *
 * Layers are named topmost first. The command runs in a user and mount namespace of its own, in the
 * directory where we were started, with OVERLAY_SERVER_PID set; its status is ours. --map-sub maps
 * the subordinate ids (of root: 65536 ids onto themselves), else there is one id.
 *
 * Theory of operation. The server is started by the engine's own client, in the namespaces that we
 * came from. The child makes its namespaces (READY), we write the id maps (GO), it mounts and hands
 * over the device (DEVICE), we pass that to the server and say whether it serves (GO). */
#include "base/alloc.h"
#include "base/channel.h"
#include "base/proc.h"
#include "overlay-fuse/client.h"
#include "runtime/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

enum { MSG_READY = 1, MSG_GO, MSG_DEVICE };

struct arguments {
    struct overlay_client_options client;
    struct overlay_layer_files *layers;
    bool map_sub;
    const char *mount_point;
    char **command;
};

static int usage(void)
{
    fputs("usage: overlay-mount [--layer TAR INDEX]... [--upper D --work D]\n"
          "                     [--single-id | --map-sub] [--no-sync] MOUNTPOINT -- COMMAND...\n",
          stderr);
    return 2;
}

/* How many words an option takes, or 0. */
static int take_option(struct arguments *a, char **argv, int left)
{
    struct overlay_options *o = &a->client.overlay;
    if (strcmp(argv[0], "--layer") == 0 && left > 2) {
        a->layers[o->n_layers++] = (struct overlay_layer_files){.tar = argv[1], .index = argv[2]};
        return 3;
    }
    if (strcmp(argv[0], "--single-id") == 0 || strcmp(argv[0], "--map-sub") == 0) {
        a->map_sub = argv[0][2] == 'm';
        return 1;
    }
    if (strcmp(argv[0], "--no-sync") == 0) {
        o->no_sync = true;
        return 1;
    }
    if (left < 2)
        return 0;
    if (strcmp(argv[0], "--upper") == 0)
        o->upper = argv[1];
    else if (strcmp(argv[0], "--work") == 0)
        o->work = argv[1];
    else
        return 0;
    return 2;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    a->layers = xcalloc((size_t)argc, sizeof(*a->layers));
    a->client.overlay.layers = a->layers;
    int i = 1;
    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        int n = take_option(a, argv + i, argc - i);
        if (n == 0)
            return false;
        i += n;
    }
    if (argc - i < 3 || strcmp(argv[i + 1], "--") != 0)
        return false;
    a->mount_point = argv[i];
    a->command = argv + i + 2;
    return !a->client.overlay.upper == !a->client.overlay.work;
}

/* Waits for a message of this type: its descriptor, -1 when it has none, or a negative errno less
 * than -1. */
static int await(int channel, uint32_t type, int *ret_code)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    int r = channel_recv(channel, msg), fd = -1;
    if (r != 1 || msg->type != type)
        return -ECONNRESET;
    if (msg->n_fds)
        fd = take_fd(&msg->fds[0]);
    if (ret_code && msg->len == sizeof(*ret_code))
        memcpy(ret_code, msg->data, sizeof(*ret_code));
    if (ret_code && msg->len == sizeof(struct err)) { /* the server's answer */
        struct err answer;
        memcpy(&answer, msg->data, sizeof(answer));
        *ret_code = answer.code;
        if (answer.code)
            fprintf(stderr, "overlay-fuse: %s\n", answer.message);
    }
    channel_msg_done(msg);
    return fd;
}

_Noreturn static void child_fail(const char *what)
{
    fprintf(stderr, "overlay-mount: %s: %s\n", what, strerror(errno));
    _exit(125);
}

/* Should: leave the command with nothing of ours but the mount.
 * Mustn't: let the mount travel back to the host. */
_Noreturn static void child_main(const struct arguments *a, int channel)
{
    char data[256];
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        child_fail("unshare");
    if (channel_send(channel, MSG_READY, NULL, 0, NULL, 0) < 0 || await(channel, MSG_GO, NULL) < -1)
        _exit(125);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        child_fail("make mounts private");
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        child_fail("/dev/fuse");
    overlay_client_mount_data(device, 0, 0, data);
    if (mount("overlay", a->mount_point, "fuse.wherry", 0, data) < 0)
        child_fail(a->mount_point);
    if (channel_send(channel, MSG_DEVICE, NULL, 0, &device, 1) < 0)
        _exit(125);
    close(device);
    if (await(channel, MSG_GO, NULL) < -1)
        _exit(125);
    execvp(a->command[0], a->command);
    child_fail(a->command[0]);
}

static int write_file(pid_t pid, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_maps(const struct arguments *a, pid_t pid, struct err *err)
{
    struct id_maps maps = {.single = true, .n_uids = 1, .n_gids = 1};
    if (a->map_sub && geteuid() == 0) {
        int r = write_file(pid, "uid_map", "0 0 65536");
        r = r < 0 ? r : write_file(pid, "gid_map", "0 0 65536");
        return r < 0 ? err_errno(err, r, "map all ids") : 0;
    }
    maps.uids[0] = (struct id_range){.outside = geteuid(), .count = 1};
    maps.gids[0] = (struct id_range){.outside = getegid(), .count = 1};
    int r = a->map_sub ? id_maps_choose(&maps, err) : 0;
    if (r == 0 && a->map_sub && maps.single)
        return err_set(err, -EPERM, "there are no subordinate ids for --map-sub");
    return r < 0 ? r : userns_write_maps(pid, &maps, err);
}

/* Brings the child up to the command. */
static int guide(const struct arguments *a, pid_t child, int channel, int server, struct err *err)
{
    int code = -EPIPE;
    if (await(channel, MSG_READY, NULL) < -1)
        return -EPIPE;
    int r = write_maps(a, child, err);
    if (r < 0 || (r = channel_send(channel, MSG_GO, NULL, 0, NULL, 0)) < 0)
        return r;
    auto_close int device = await(channel, MSG_DEVICE, NULL);
    if (device < 0)
        return -EPIPE;
    int fds[2] = {device, open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto_close int procfs = fds[1];
    if (channel_send(server, OVERLAY_MSG_DEVICE, NULL, 0, fds, procfs < 0 ? 1 : 2) < 0 ||
        await(server, OVERLAY_MSG_DEVICE, &code) < -1)
        return err_set(err, -EPIPE, "the server ended");
    return code < 0 ? code : channel_send(channel, MSG_GO, NULL, 0, NULL, 0);
}

static int run(struct arguments *a)
{
    struct err err = {0};
    int pair[2], status, server_status;
    auto_close int server_channel = -1;
    a->client.single_id = !a->map_sub;
    pid_t server = overlay_client_start(&a->client, &server_channel, &err);
    if (server < 0 || channel_pair(pair, &err) < 0) {
        fprintf(stderr, "overlay-mount: %s\n", err.message);
        return 125;
    }
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)server);
    setenv("OVERLAY_SERVER_PID", pid, 1);
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        close(server_channel);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_main(a, pair[1]);
    }
    close(pair[1]);
    if (guide(a, child, pair[0], server_channel, &err) < 0 && *err.message)
        fprintf(stderr, "overlay-mount: %s\n", err.message);
    close(pair[0]);
    close_fd(&server_channel);
    proc_wait(child, &status);
    proc_wait(server, &server_status); /* it ends when the last process of the mount is gone */
    if (server_status && !(WIFSIGNALED(server_status) && WTERMSIG(server_status) == SIGKILL)) {
        fprintf(stderr, "overlay-mount: the server ended with status %d\n",
                proc_exit_code(server_status));
        return WIFEXITED(status) && WEXITSTATUS(status) ? proc_exit_code(status) : 125;
    }
    return proc_exit_code(status);
}

int main(int argc, char **argv)
{
    struct arguments a = {0};
    int r = parse(argc, argv, &a) ? run(&a) : usage();
    free(a.layers);
    return r;
}
