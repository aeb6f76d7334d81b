/* SPDX-License-Identifier: Apache-2.0 */
/* Whole containers whose root is a directory that holds one static program. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/channel.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "netns/netns.h"
#include "runtime/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/test-sandbox-XXXXXX";
static const char *probe;

struct result {
    int code;
    enum err_kind kind;
    struct buf out;
    char failure[1000];
};

static int net_setup(void *ctx, int channel, struct err *err)
{
    return netns_loopback_up(err);
}

/* Counts itself into the pipe at *ctx: the monitor is another process. */
static void exited(void *ctx, int code, const struct err *failure)
{
    (void)!write(*(int *)ctx, &code, sizeof(code));
}

static struct sandbox plain(void)
{
    return (struct sandbox){.id = "test",
                            .hostname = "box",
                            .root_dir = root,
                            .umask = 022,
                            .caps = sandbox_default_caps()};
}

static int lock = -1; /* what start()'s monitor must not keep, when it is open */

static int start(const struct sandbox *sb, int *exited_pipe, int *ret_channel, struct err *err)
{
    struct monitor_options o = {.sandbox = sb,
                                .run_dir_fd = -1,
                                .log = LOG_FILE_NONE,
                                .forget = &lock,
                                .n_forget = lock >= 0};
    struct proc_id id;
    o.ops = (struct monitor_ops){.ctx = exited_pipe, .net_setup = net_setup, .exited = exited};
    int r = monitor_start(&o, ret_channel, err);
    return r < 0 ? r : monitor_wait_started(*ret_channel, &id, err);
}

static void collect(int channel, struct result *res)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    res->code = -1;
    while (res->code < 0 && channel_recv(channel, msg) == 1) {
        if (msg->type == MON_STDOUT || msg->type == MON_STDERR)
            buf_add(&res->out, msg->data, msg->len);
        if (msg->type == MON_EXITED)
            memcpy(&res->code, msg->data, sizeof(int));
    }
}

/* Runs "/probe what arg" (or the given arguments) to its end; checks that the exit was recorded
 * once, with the same code that the client sees. */
static struct result run(struct sandbox *sb, const char *a0, const char *a1, const char *a2)
{
    struct result res = {.code = -1};
    struct err err = {0};
    int channel = -1, p[2], recorded[2];
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    strv_add(&sb->args, a0);
    if (a1)
        strv_add(&sb->args, a1);
    if (a2)
        strv_add(&sb->args, a2);
    assert_int_equal(id_maps_choose(&sb->ids, NULL), 0);
    if (start(sb, &p[1], &channel, &err) == 0) {
        collect(channel, &res);
    } else {
        res.kind = err.kind;
        snprintf(res.failure, sizeof(res.failure), "%s", err.message);
    }
    close(p[1]);
    assert_int_equal(read_full(p[0], recorded, sizeof(recorded)), sizeof(int));
    if (!*res.failure)
        assert_int_equal(recorded[0], res.code);
    else
        res.code = recorded[0];
    close(p[0]);
    close_fd(&channel);
    strv_done(&sb->args);
    return res;
}

static void expect_output(struct sandbox sb, const char *what, const char *arg, const char *want)
{
    struct result res = run(&sb, "/probe", what, arg);
    if (*res.failure)
        fail_msg("%s: %s", what, res.failure);
    assert_string_equal(buf_str(&res.out), want);
    buf_done(&res.out);
}

static void exit_codes(void **state)
{
    static const struct {
        const char *program, *what, *arg;
        int code;
        enum err_kind kind;
    } rows[] = {
        {"/probe", "exit", "0", 0, ERR_OTHER},
        {"/probe", "exit", "7", 7, ERR_OTHER},
        {"probe", "exit", "8", 8, ERR_OTHER},
        {"/nothing", NULL, NULL, 127, ERR_NO_COMMAND},
        {"nothing", NULL, NULL, 127, ERR_NO_COMMAND},
        {"/etc/text", NULL, NULL, 126, ERR_NOT_EXEC},
        {"/etc", NULL, NULL, 126, ERR_NOT_EXEC},
        {"/no-interpreter", NULL, NULL, 127, ERR_NO_COMMAND},
        {"/self", NULL, NULL, 126, ERR_NOT_EXEC},        /* a link to /proc/self/exe */
        {"/self-script", NULL, NULL, 126, ERR_NOT_EXEC}, /* #!/proc/self/exe */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sandbox sb = plain();
        strv_add(&sb.env, "PATH=/nowhere:/");
        struct result res = run(&sb, rows[i].program, rows[i].what, rows[i].arg);
        if (res.code != rows[i].code || res.kind != rows[i].kind)
            fail_msg("%s: %d, kind %d: %s", rows[i].program, res.code, res.kind, res.failure);
        buf_done(&res.out);
        strv_done(&sb.env);
    }
}

static void sandbox_status(void **state)
{
    struct sandbox sb = plain();
    struct result res = run(&sb, "/probe", "status", NULL);
    const char *out = buf_str(&res.out);
    if (*res.failure)
        fail_msg("%s", res.failure);
    assert_non_null(strstr(out, "Uid:\t0\t0\t0\t0\n"));
    assert_non_null(strstr(out, "CapEff:\t00000000800405fb\n"));
    assert_non_null(strstr(out, "CapPrm:\t00000000800405fb\n"));
    assert_non_null(strstr(out, "CapBnd:\t00000000800405fb\n"));
    assert_non_null(strstr(out, "CapInh:\t0000000000000000\n"));
    assert_non_null(strstr(out, "CapAmb:\t0000000000000000\n"));
    assert_non_null(strstr(out, "Seccomp:\t2\n"));
    assert_non_null(strstr(out, "NoNewPrivs:\t0\n"));
    buf_done(&res.out);
}

/* "int 0x80" from a 64-bit program: the same policy. A kernel without it answers ENOSYS to all. */
static void seccomp_of_32_bits(void **state)
{
#if defined(__x86_64__)
    struct sandbox sb = plain();
    struct result res = run(&sb, "/probe", "i386", NULL);
    const char *out = buf_str(&res.out);
    if (strcmp(out, "unshare 1 unknown 38 setns 1 bpf 1 getpid 0 ") != 0 && res.code != 139)
        fail_msg("%s (%d)", out, res.code);
    buf_done(&res.out);
#endif
}

static void no_leaks(void **state)
{
    /* An inherited descriptor, as a careless parent leaves it. */
    int leak = dup(1);
    assert_true(leak > 2);
    expect_output(plain(), "fds", "", "0 1 2 ");
    close(leak);
}

static void read_only_places(void **state)
{
    static const char *const paths[] = {"/proc/sys/kernel/hostname", "/proc/sys/vm/swappiness",
                                        "/proc/irq/default_smp_affinity",
                                        "/sys/kernel/mm/transparent_hugepage/enabled"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct sandbox sb = plain();
        struct result res = run(&sb, "/probe", "writable", paths[i]);
        const char *out = buf_str(&res.out);
        /* A kernel without the file is as good. */
        if (strcmp(out, "EROFS") && strcmp(out, "ENOENT") && strcmp(out, "EACCES"))
            fail_msg("%s: %s", paths[i], out);
        buf_done(&res.out);
    }
    struct sandbox sb = plain();
    sb.read_only = true;
    expect_output(sb, "writable", "/etc/text", "EROFS");
    expect_output(plain(), "writable", "/etc/text", "open");
    expect_output(plain(), "writable", "/dev/null", "open");
}

static void work_dirs(void **state)
{
    struct sandbox sb = plain();
    sb.work_dir = "/made/for/me";
    expect_output(sb, "cwd", "", "/made/for/me");
    static const char *const bad[] = {"/proc/self/fd/3", "/proc/self/fd/7", "/fd-link",
                                      "/proc/1/cwd", "/etc/text"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        sb = plain();
        sb.work_dir = bad[i];
        struct result res = run(&sb, "/probe", "cwd", NULL);
        if (!*res.failure)
            fail_msg("%s: %s", bad[i], buf_str(&res.out));
        assert_int_equal(res.code, 126);
    }
}

static void names_and_env(void **state)
{
    expect_output(plain(), "host", "", "box 1");
    expect_output(plain(), "env", "container", "wherry");
    expect_output(plain(), "env", "HOME", "/root");
    expect_output(plain(), "terminal", "", "no tty ENXIO 0");
    struct sandbox sb = plain();
    sb.tty = true;
    expect_output(sb, "terminal", "", "tty controlling 0");
    expect_output(sb, "env", "TERM", "xterm");
}

static void hostile_dirs(void **state)
{
    static const char *const names[] = {"proc", "sys", "dev"};
    for (size_t i = 0; i < 3; i++) {
        auto_free char *path = xasprintf("%s/%s", root, names[i]);
        rmdir(path);
        assert_int_equal(symlink("/etc", path), 0);
        struct sandbox sb = plain();
        struct result res = run(&sb, "/probe", "exit", "0");
        unlink(path);
        if (!*res.failure)
            fail_msg("/%s may be a link", names[i]);
        assert_int_equal(res.code, 125);
    }
}

static void mounts(void **state)
{
    auto_free char *own = xasprintf("%s/etc/text", root);
    const struct sandbox_mount m[] = {
        {.kind = MOUNT_BIND, .source = own, .target = "/up/etc/new", .read_only = true},
        {.kind = MOUNT_TMPFS, .target = "/a/tmp", .data = "mode=1777,size=64k"},
        {.kind = MOUNT_BIND, .source = own, .target = "/dangling"},
    };
    struct sandbox sb = plain();
    sb.mounts = m;
    sb.n_mounts = 3;
    expect_output(sb, "writable", "/etc/new", "EROFS");
    /* "/up" is ../../.. and "/dangling" leads to /no/where: both end inside. */
    assert_int_equal(access("/etc/new", F_OK), -1);
    assert_int_equal(access("/no/where", F_OK), -1);
    auto_free char *inside = xasprintf("%s/no/where", root);
    assert_int_equal(access(inside, F_OK), 0);
}

static void signals_and_stdin(void **state)
{
    struct sandbox sb = plain();
    struct err err = {0};
    struct result res = {0};
    int channel = -1, p[2], sig = SIGKILL;
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(id_maps_choose(&sb.ids, NULL), 0);
    strv_add(&sb.args, "/probe");
    strv_add(&sb.args, "wait");
    assert_int_equal(start(&sb, &p[1], &channel, &err), 0);
    assert_int_equal(channel_recv(channel, msg), 1); /* it says that it waits */
    assert_int_equal(channel_send(channel, MON_SIGNAL, &sig, sizeof(sig), NULL, 0), 0);
    collect(channel, &res);
    assert_int_equal(res.code, 128 + SIGKILL);
    close(channel);
    strv_clear(&sb.args);
    strv_add(&sb.args, "/probe");
    strv_add(&sb.args, "copy");
    sb.keep_stdin = true;
    assert_int_equal(start(&sb, &p[1], &channel, &err), 0);
    channel_send(channel, MON_STDIN, "hello", 5, NULL, 0);
    channel_send(channel, MON_STDIN_EOF, NULL, 0, NULL, 0);
    collect(channel, &res);
    assert_int_equal(res.code, 0);
    assert_string_equal(buf_str(&res.out), "hello");
    buf_done(&res.out);
    close(channel);
    close(p[0]);
    close(p[1]);
    strv_done(&sb.args);
}

/* A build that is killed: nobody can ever attach to its step. */
static void ends_with_its_only_client(void **state)
{
    struct sandbox sb = plain();
    struct err err = {0};
    int channel = -1, p[2], code = -1;
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(id_maps_choose(&sb.ids, NULL), 0);
    strv_add(&sb.args, "/probe");
    strv_add(&sb.args, "wait");
    assert_int_equal(start(&sb, &p[1], &channel, &err), 0);
    assert_int_equal(channel_recv(channel, msg), 1);
    close(channel);
    close(p[1]);
    assert_int_equal(read_full(p[0], &code, sizeof(code)), sizeof(code));
    assert_int_equal(code, 128 + SIGKILL);
    close(p[0]);
    strv_done(&sb.args);
}

/* The caller's lock on the container is free again though the container runs. */
static void keeps_no_lock(void **state)
{
    struct sandbox sb = plain();
    struct err err = {0};
    struct result res = {0};
    int channel = -1, p[2], sig = SIGKILL;
    auto_free char *path = xasprintf("%s/lock", root);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(id_maps_choose(&sb.ids, NULL), 0);
    strv_add(&sb.args, "/probe");
    strv_add(&sb.args, "wait");
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(lock_fd(lock, true, false, NULL), 0);
    assert_int_equal(start(&sb, &p[1], &channel, &err), 0);
    close_fd(&lock);
    auto_close int again = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(lock_fd(again, true, false, NULL), 0);
    channel_send(channel, MON_SIGNAL, &sig, sizeof(sig), NULL, 0);
    collect(channel, &res);
    assert_int_equal(res.code, 128 + SIGKILL);
    buf_done(&res.out);
    close(channel);
    close(p[0]);
    close(p[1]);
    strv_done(&sb.args);
}

static void users(void **state)
{
    struct sandbox sb = plain();
    struct id_maps maps;
    assert_int_equal(id_maps_choose(&maps, NULL), 0);
    sb.user = "33:34";
    sb.emulation = EMULATE_NONE;
    struct result res = run(&sb, "/probe", "status", NULL);
    if (maps.single) {
        assert_non_null(strstr(res.failure, "subordinate ids"));
    } else {
        const char *out = buf_str(&res.out);
        assert_non_null(strstr(out, "Uid:\t33\t33\t33\t33\n"));
        assert_non_null(strstr(out, "CapEff:\t0000000000000000\n"));
        assert_non_null(strstr(out, "CapPrm:\t0000000000000000\n"));
    }
    buf_done(&res.out);
}

static void put(const char *name, const char *text, mode_t mode)
{
    auto_free char *path = xasprintf("%s/%s", root, name);
    assert_int_equal(file_write_at(AT_FDCWD, path, text, strlen(text), mode, 0, NULL), 0);
}

static void link_to(const char *name, const char *target)
{
    auto_free char *path = xasprintf("%s/%s", root, name);
    assert_int_equal(symlink(target, path), 0);
}

static int make_root(void **state)
{
    assert_non_null(mkdtemp(root));
    chmod(root, 0755);
    auto_free char *program = xasprintf("%s/probe", root), *etc = xasprintf("%s/etc", root);
    auto_close int in = open(probe, O_RDONLY | O_CLOEXEC);
    auto_close int out = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_int_equal(copy_fd(in, out, NULL, NULL), 0);
    assert_int_equal(mkdir(etc, 0755), 0);
    put("etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0644);
    put("etc/text", "no program\n", 0644);
    put("no-interpreter", "#!/not/here\n", 0755);
    put("self-script", "#!/proc/self/exe\n", 0755);
    link_to("self", "/proc/self/exe");
    link_to("fd-link", "/proc/self/fd/7");
    link_to("up", "../../..");
    link_to("dangling", "/no/where");
    return 0;
}

static int remove_root(void **state)
{
    return remove_tree_at(AT_FDCWD, root, NULL);
}

/* A machine that forbids user namespaces cannot run these; everywhere else they must pass. */
static bool machine_can(void)
{
    struct sandbox sb = plain();
    struct result res = run(&sb, "/probe", "exit", "0");
    if (strstr(res.failure, "user namespaces") || strstr(res.failure, "AppArmor")) {
        print_message("skipped: %s\n", res.failure);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes),         cmocka_unit_test(sandbox_status),
        cmocka_unit_test(no_leaks),           cmocka_unit_test(read_only_places),
        cmocka_unit_test(work_dirs),          cmocka_unit_test(names_and_env),
        cmocka_unit_test(hostile_dirs),       cmocka_unit_test(mounts),
        cmocka_unit_test(signals_and_stdin),  cmocka_unit_test(ends_with_its_only_client),
        cmocka_unit_test(keeps_no_lock),      cmocka_unit_test(users),
        cmocka_unit_test(seccomp_of_32_bits),
    };
    if (argc != 2)
        return 2;
    probe = argv[1];
    make_root(NULL);
    int r = machine_can() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
    remove_root(NULL);
    return r;
}
