/* SPDX-License-Identifier: Apache-2.0 */
/* Starting an overlay-fuse server. */
#include "overlay-fuse/client.h"

#include "base/channel.h"
#include "base/proc.h"

#include <stdio.h>

static void server_arguments(const struct overlay_client_options *o, int channel, struct strv *argv)
{
    strv_add(argv, "overlay-fuse");
    strv_add(argv, "--channel");
    strv_addf(argv, "%d", channel);
    if (o->single_id)
        strv_addf(argv, "--single-id=%u:%u", o->single_uid, o->single_gid);
    for (size_t i = 0; i < o->overlay.n_layers; i++) {
        strv_add(argv, o->overlay.layers[i].checked ? "--checked-layer" : "--layer");
        strv_add(argv, o->overlay.layers[i].tar);
        strv_add(argv, o->overlay.layers[i].index);
    }
    if (o->overlay.no_sync)
        strv_add(argv, "--no-sync");
    if (!o->overlay.upper)
        return;
    strv_add(argv, "--upper");
    strv_add(argv, o->overlay.upper);
    strv_add(argv, "--work");
    strv_add(argv, o->overlay.work);
}

pid_t overlay_client_start(const struct overlay_client_options *o, int *ret_channel,
                           struct err *err)
{
    auto_free char *program = NULL;
    int pair[2];
    int r = program_find("overlay-fuse", &program, err);
    if (r == 0)
        r = channel_pair(pair, err);
    if (r < 0)
        return r;
    auto_close int ours = pair[0], theirs = pair[1];
    auto_strv argv = {0};
    server_arguments(o, theirs, &argv);
    struct spawn sp = {.path = program,
                       .argv = strv_argv(&argv),
                       .stdin_fd = -1,
                       .stdout_fd = -1,
                       .stderr_fd = -1,
                       .keep = &theirs,
                       .n_keep = 1,
                       .new_session = true};
    pid_t pid = proc_spawn(&sp, err);
    if (pid > 0)
        *ret_channel = take_fd(&ours);
    return pid;
}

void overlay_client_mount_data(int device_fd, uid_t uid, gid_t gid, char out[static 256])
{
    snprintf(out, 256,
             "fd=%d,rootmode=40000,user_id=%u,group_id=%u,default_permissions,allow_other",
             device_fd, uid, gid);
}
