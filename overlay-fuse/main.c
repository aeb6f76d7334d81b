/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-fuse: the overlay server of a container, and a mount program of its own (standalone.c).
 *
 * Theory of operation. The engine starts it (client.c) with a channel. It opens the layers and the
 * writable directory, waits for the one /dev/fuse descriptor, says on the channel whether it can
 * serve, and serves until the mount is gone. */
#include "base/channel.h"
#include "overlay-fuse/client.h"
#include "overlay-fuse/confine.h"
#include "overlay-fuse/server.h"
#include "overlay-fuse/standalone.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct arguments {
    struct overlay_layer_files *layers;
    struct overlay_options overlay;
    int channel;
    bool single_id;
    unsigned single_uid, single_gid;
};

static int usage(void)
{
    fputs("usage: overlay-fuse --channel FD [--single-id=UID:GID] [--no-sync]\n"
          "                    [--layer TAR INDEX]... [--upper DIR --work DIR]\n"
          "Serves one mount whose /dev/fuse descriptor comes over the channel. --checked-layer\n"
          "instead of --layer: the index was checked since it was last changed.\n",
          stderr);
    return 2;
}

static bool is_for_engine(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--channel") == 0;
}

/* How many words an option takes, or -1. */
static int take_option(struct arguments *a, char **argv, int left)
{
    if (sscanf(argv[0], "--single-id=%u:%u", &a->single_uid, &a->single_gid) == 2) {
        a->single_id = true;
        return 1;
    }
    if (strcmp(argv[0], "--no-sync") == 0) {
        a->overlay.no_sync = true;
        return 1;
    }
    bool checked = strcmp(argv[0], "--checked-layer") == 0;
    if (left >= 3 && (checked || strcmp(argv[0], "--layer") == 0)) {
        a->layers[a->overlay.n_layers++] =
            (struct overlay_layer_files){.tar = argv[1], .index = argv[2], .checked = checked};
        return 3;
    }
    if (left < 2)
        return -1;
    if (strcmp(argv[0], "--channel") == 0)
        a->channel = atoi(argv[1]);
    else if (strcmp(argv[0], "--upper") == 0)
        a->overlay.upper = argv[1];
    else if (strcmp(argv[0], "--work") == 0)
        a->overlay.work = argv[1];
    else
        return -1;
    return 2;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    a->layers = xcalloc((size_t)argc, sizeof(*a->layers));
    a->overlay.layers = a->layers;
    for (int i = 1; i < argc;) {
        int n = take_option(a, argv + i, argc - i);
        if (n < 0)
            return false;
        i += n;
    }
    return a->channel > 2 && !a->overlay.upper == !a->overlay.work;
}

/* The descriptor to serve, or -1 when the other end is gone; *ret_procfs: -1 when there is none. */
static int receive_device(int channel, int *ret_procfs)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    int fd = -1;
    *ret_procfs = -1;
    if (channel_recv(channel, msg) == 1 && msg->type == OVERLAY_MSG_DEVICE && msg->n_fds > 0) {
        fd = take_fd(&msg->fds[0]);
        if (msg->n_fds > 1)
            *ret_procfs = take_fd(&msg->fds[1]);
    }
    channel_msg_done(msg);
    return fd;
}

static int serve(const struct arguments *a)
{
    auto_overlay ov = NULL;
    struct err err = {0};
    int opened = overlay_open(&a->overlay, &ov, &err);
    auto_close int procfs = -1;
    int device = receive_device(a->channel, &procfs);
    if (device < 0)
        return 1; /* the container is not to be: nobody wants an answer */
    int r = channel_send(a->channel, OVERLAY_MSG_DEVICE, &err, sizeof(err), NULL, 0);
    if (opened < 0 || r < 0)
        return 1;
    close(a->channel);
    struct server_options o = {.single_id = a->single_id,
                               .single_uid = a->single_uid,
                               .single_gid = a->single_gid,
                               .timeout = FOREVER,
                               .procfs = procfs,
                               .confine = confine};
    auto_ptr(server) struct server *s = NULL;
    r = server_new(ov, &o, NULL, &s, &err);
    if (r == 0)
        r = server_run(s, device, &err);
    if (r < 0)
        fprintf(stderr, "overlay-fuse: %s\n", err.message);
    return r < 0;
}

static int serve_engine(int argc, char **argv)
{
    struct arguments a = {.channel = -1};
    int r = parse(argc, argv, &a) ? serve(&a) : usage();
    free(a.layers);
    return r;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit is EFBIG, not the end of everybody */
    return is_for_engine(argc, argv) ? serve_engine(argc, argv) : standalone_main(argc, argv);
}
