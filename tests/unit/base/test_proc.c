/* SPDX-License-Identifier: Apache-2.0 */
/* base/proc.h: who is who, starting programs, what is left open in them. */
#include "base/proc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

static void test_identity(void **state)
{
    struct proc_id id = {0}, self = {0};
    int status;
    pid_t pid = sleeper();
    assert_int_equal(proc_identify(pid, &id, NULL), 0);
    assert_int_equal(id.pid, pid);
    assert_int_equal(strlen(id.boot_id), BOOT_ID_LEN);
    assert_true(proc_alive(&id));

    /* The same number with another start time or boot is somebody else. */
    struct proc_id other = id;
    other.start_time++;
    assert_false(proc_alive(&other));
    assert_int_equal(proc_signal(&other, SIGKILL), -ESRCH);
    other = id;
    other.boot_id[0] = other.boot_id[0] == '0' ? '1' : '0';
    assert_int_equal(proc_open(&other), -ESRCH);
    other = (struct proc_id){0};
    assert_false(proc_alive(&other));
    assert_true(proc_alive(&id));

    /* A zombie is gone before it is reaped. */
    assert_int_equal(proc_signal(&id, SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(proc_alive(&id));
    assert_int_equal(proc_wait(pid, &status), 0);
    assert_int_equal(proc_exit_code(status), 128 + SIGKILL);
    assert_false(proc_alive(&id));
    assert_int_equal(proc_identify(pid, &self, NULL), -ESRCH);
    assert_int_equal(self.pid, 0);
}

/* The name of a process may hold anything: the fields behind it must still be found. */
static void test_identity_of_odd_names(void **state)
{
    struct proc_id a = {0}, b = {0};
    char old[16];
    FILE *comm = fopen("/proc/self/comm", "r+");
    assert_non_null(comm);
    assert_non_null(fgets(old, sizeof(old), comm));
    assert_int_equal(proc_identify(getpid(), &a, NULL), 0);
    rewind(comm);
    fputs(") Z 1 (x) 2", comm);
    fflush(comm);
    assert_int_equal(proc_identify(getpid(), &b, NULL), 0);
    assert_true(a.start_time == b.start_time);
    assert_true(proc_alive(&b));
    fclose(comm);
}

static void test_spawn_failure(void **state)
{
    static const struct {
        const char *path;
        int result;
    } rows[] = {{"/no/such/program", -ENOENT},
                {"no-such-program-in-path", -ENOENT},
                {"/etc/passwd", -EACCES},
                {"/tmp", -EACCES}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[] = {(char *)rows[i].path, NULL};
        struct spawn sp = {
            .path = rows[i].path, .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
        struct err err = {0};
        assert_int_equal(proc_spawn(&sp, &err), rows[i].result);
        assert_non_null(strstr(err.message, rows[i].path));
        /* Nobody is left to be waited for. */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

/* Runs sh -c `script` and returns what it wrote on stdout; fds[0..n) are kept. */
static char *output_of(const char *script, const int *keep, size_t n_keep, bool session)
{
    int p[2], status;
    assert_int_equal(pipe(p), 0);
    char *argv[] = {"sh", "-c", (char *)script, NULL};
    struct spawn sp = {.path = "sh",
                       .argv = argv,
                       .stdin_fd = -1,
                       .stdout_fd = p[1],
                       .stderr_fd = -1,
                       .keep = keep,
                       .n_keep = n_keep,
                       .new_session = session};
    pid_t pid = proc_spawn(&sp, NULL);
    assert_true(pid > 0);
    close(p[1]);
    char text[4096];
    ssize_t n = read_full(p[0], text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = 0;
    close(p[0]);
    assert_int_equal(proc_wait(pid, &status), 0);
    assert_int_equal(status, 0);
    return strdup(text);
}

static void test_spawn_descriptors(void **state)
{
    int inheritable = dup(0), kept = dup(0);
    char script[200];
    snprintf(script, sizeof(script),
             "test ! -e /proc/$$/fd/%d && test -e /proc/$$/fd/%d && echo ok", inheritable, kept);
    auto_free char *text = output_of(script, &kept, 1, false);
    assert_string_equal(text, "ok\n");
    close(inheritable);
    close(kept);
}

static void test_spawn_signals(void **state)
{
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &old);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    auto_free char *text =
        output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'", NULL, 0, false);
    signal(SIGPIPE, before);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_string_equal(text, "SigBlk:0000000000000000SigIgn:0000000000000000");
}

static void test_spawn_session(void **state)
{
    auto_free char *own = output_of("cut -d' ' -f6 /proc/$$/stat; echo $$", NULL, 0, true);
    char *second = strchr(own, '\n');
    assert_non_null(second);
    assert_int_equal(atol(own), atol(second + 1));
}

/* Standard descriptors of the child that are standard descriptors of ours in another order. */
static void test_spawn_crossed(void **state)
{
    struct scratch *s = *state;
    scratch_write(s->fd, "in", "from in\n");
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int out = openat(s->fd, "out", O_WRONLY | O_CREAT, 0600);
        int in = openat(s->fd, "in", O_RDONLY);
        dup2(out, 0); /* crossed: 0 is written, 1 is read */
        dup2(in, 1);
        char *argv[] = {"cat", NULL};
        struct spawn sp = {
            .path = "cat", .argv = argv, .stdin_fd = 1, .stdout_fd = 0, .stderr_fd = -1};
        pid_t cat = proc_spawn(&sp, NULL);
        int st = 1;
        _exit(cat > 0 && proc_wait(cat, &st) == 0 && st == 0 ? 0 : 1);
    }
    assert_int_equal(proc_wait(pid, &status), 0);
    assert_int_equal(status, 0);
    auto_buf b = {0};
    assert_int_equal(file_read_at(s->fd, "out", 100, &b, NULL), 0);
    assert_string_equal(buf_str(&b), "from in\n");
}

static void test_die_with_parent(void **state)
{
    int p[2], status;
    assert_int_equal(pipe(p), 0);
    pid_t parent = fork();
    if (parent == 0) {
        char *argv[] = {"sleep", "1000", NULL};
        struct spawn sp = {.path = "sleep",
                           .argv = argv,
                           .stdin_fd = -1,
                           .stdout_fd = p[1],
                           .stderr_fd = -1,
                           .die_with_parent = true};
        _exit(proc_spawn(&sp, NULL) > 0 ? 0 : 1);
    }
    close(p[1]);
    assert_int_equal(proc_wait(parent, &status), 0);
    assert_int_equal(status, 0);
    char c;
    alarm(20); /* the end of the pipe is the end of the sleeper */
    assert_int_equal(read(p[0], &c, 1), 0);
    alarm(0);
    close(p[0]);
}

static void test_run(void **state)
{
    static const struct {
        const char *script;
        int result;
        const char *said;
    } rows[] = {
        {"exit 0", 0, NULL},
        {"echo noise >&2; exit 0", 0, NULL},
        {"echo why >&2; exit 3", -EIO, "status 3: why"},
        {"exit 4", -EIO, "status 4"},
        {"kill -TERM $$", -EIO, "status 143"},
        {"head -c 100000 /dev/zero | tr '\\0' x >&2; exit 5", -EIO, "xxx"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *argv[] = {"sh", "-c", (char *)rows[i].script, NULL};
        struct err err = {0};
        assert_int_equal(proc_run(argv, &err), rows[i].result);
        if (rows[i].said && !strstr(err.message, rows[i].said))
            fail_msg("%s: %s", rows[i].script, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),      cmocka_unit_test(test_identity_of_odd_names),
        cmocka_unit_test(test_spawn_failure), cmocka_unit_test(test_spawn_descriptors),
        cmocka_unit_test(test_spawn_signals), cmocka_unit_test(test_spawn_session),
        scratch_test(test_spawn_crossed),     cmocka_unit_test(test_die_with_parent),
        cmocka_unit_test(test_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
