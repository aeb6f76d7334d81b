/* SPDX-License-Identifier: Apache-2.0 */
/* A manual driver of runtime/: runs a command in a root that is a plain host directory.
 *
 *   sandbox-demo [-t] [-i] [-d] [-r] [-n] [-u USER] [-w DIR] [-e NAME=VALUE] [-v SRC:DST[:ro]]
 *                [-l LOGFILE] [-R RUNDIR] ROOT COMMAND [ARG...]
 *   sandbox-demo -a RUNDIR          attaches to one that runs */
#include "base/alloc.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/strv.h"
#include "netns/netns.h"
#include "runtime/monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int net_setup(void *ctx, int channel, struct err *err)
{
    return netns_loopback_up(err);
}

/* With WHERRY_DEMO_FUSE=1 the root is served by fuse-overlayfs, which takes a mounted device as
 * /dev/fd/N: the way of the real server, before that exists. */
static const char *fuse_lower;

static pid_t root_start(void *ctx, uint32_t number, int *ret_channel, struct err *err)
{
    int ends[2], ok = 0;
    if (channel_pair(ends, err) < 0)
        return -EIO;
    pid_t pid = fork();
    if (pid) {
        close(ends[1]);
        *ret_channel = ends[0];
        return pid;
    }
    struct channel_msg *msg = new0(struct channel_msg);
    close(ends[0]);
    if (channel_recv(ends[1], msg) != 1 || msg->n_fds != 1)
        _exit(1);
    int fd = fcntl(msg->fds[0], F_DUPFD, 20);
    close(msg->fds[0]);
    channel_send(ends[1], 1, &ok, sizeof(ok), NULL, 0);
    char *lower = xasprintf("lowerdir=%s", fuse_lower), *at = xasprintf("/dev/fd/%d", fd);
    execlp("fuse-overlayfs", "fuse-overlayfs", "-f", "-o", lower, at, NULL);
    _exit(127);
}

static void root_mount_data(int device_fd, uid_t uid, gid_t gid, char out[static 256])
{
    snprintf(out, 256, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device_fd);
}

static void exited(void *ctx, int exit_code, const struct err *failure)
{
    int *fd = ctx;
    if (*fd >= 0)
        dprintf(*fd, "exit %d%s%s\n", exit_code, failure ? ": " : "",
                failure ? failure->message : "");
}

static int fail(const struct err *err)
{
    fprintf(stderr, "Error: %s\n", err->message);
    return err->kind == ERR_NO_COMMAND ? 127 : err->kind == ERR_NOT_EXEC ? 126 : 125;
}

static int attach(int channel, struct attach_options *a)
{
    struct err err = {0};
    int code = 125;
    if (attach_run(channel, a, &code, &err) < 0)
        return fail(&err);
    if (code < 0)
        printf("detached\n");
    return code < 0 ? 0 : code;
}

static void mount_parse(char *arg, struct sandbox_mount *ret)
{
    *ret = (struct sandbox_mount){.kind = MOUNT_BIND, .recursive = true};
    ret->source = strtok(arg, ":");
    ret->target = strtok(NULL, ":");
    const char *flag = strtok(NULL, ":");
    ret->read_only = flag && strcmp(flag, "ro") == 0;
}

int main(int argc, char **argv)
{
    struct sandbox sb = {.id = "0123456789abcdef", .hostname = "demo", .umask = 022};
    struct sandbox_mount mounts[8];
    struct attach_options a = {.stdout_open = true,
                               .stderr_open = true,
                               .proxy_signals = true,
                               .hold_output = true,
                               .detach_keys = "ctrl-p,ctrl-q"};
    bool detach = false;
    int exit_log = -1, opt;
    struct err err = {0};
    struct monitor_options o = {.sandbox = &sb, .run_dir_fd = -1, .log = LOG_FILE_NONE};
    o.ops = (struct monitor_ops){.ctx = &exit_log, .net_setup = net_setup, .exited = exited};
    sb.caps = sandbox_default_caps();
    sb.mounts = mounts;
    /* The monitor's title goes over argv's memory: work on a copy. */
    auto_strv args = {0};
    for (int i = 0; i < argc; i++)
        strv_add(&args, argv[i]);
    proc_title_init(argc, argv);
    argv = strv_argv(&args);
    while ((opt = getopt(argc, argv, "+tidrnUu:w:e:v:l:R:x:a:c:")) != -1) {
        switch (opt) {
        case 't': sb.tty = a.tty = true; break;
        case 'i': sb.keep_stdin = a.stdin_open = true; break;
        case 'd': detach = true; break;
        case 'r': sb.read_only = true; break;
        case 'n': sb.no_new_privs = true; break;
        case 'U': sb.seccomp_unconfined = true; break;
        case 'u': sb.user = optarg; break;
        case 'w': sb.work_dir = optarg; break;
        case 'e': strv_add(&sb.env, optarg); break;
        case 'c': sb.caps |= strtoull(optarg, NULL, 0); break;
        case 'v':
            if (sb.n_mounts < 8)
                mount_parse(optarg, &mounts[sb.n_mounts++]);
            break;
        case 'l':
            o.log.dir_fd = open("/", O_PATH | O_CLOEXEC);
            o.log.name = optarg; /* absolute */
            break;
        case 'x': exit_log = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600); break;
        case 'a':
        case 'R': o.run_dir_fd = open(optarg, O_PATH | O_DIRECTORY | O_CLOEXEC); break;
        default: return 125;
        }
        if (opt == 'a') {
            struct proc_id id;
            int c = channel_connect_at(o.run_dir_fd, "attach", &err);
            if (c < 0 || monitor_wait_started(c, &id, &err) < 0)
                return fail(&err);
            a.tty = isatty(0);
            a.stdin_open = true;
            a.hold_output = false;
            return attach(c, &a);
        }
    }
    if (argc - optind < 2)
        return 125;
    sb.root_dir = argv[optind++];
    for (; optind < argc; optind++)
        strv_add(&sb.args, argv[optind]);
    if (getenv("WHERRY_DEMO_FUSE")) {
        fuse_lower = sb.root_dir;
        sb.root_dir = NULL;
        o.ops.root_start = root_start;
        o.ops.root_mount_data = root_mount_data;
    }
    int channel;
    struct proc_id id;
    if (id_maps_choose(&sb.ids, &err) < 0 || monitor_start(&o, &channel, &err) < 0 ||
        monitor_wait_started(channel, &id, &err) < 0)
        return fail(&err);
    if (detach) {
        printf("%d\n", (int)id.pid);
        return 0;
    }
    return attach(channel, &a);
}
