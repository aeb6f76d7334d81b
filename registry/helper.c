/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers.
 *
 * A helper gets its input on stdin and answers on stdout; its stderr and its terminal are ours, as
 * it may have to ask for a passphrase. Secrets go through pipes only, never through arguments. */
#include "registry/helper.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#define ANSWER_MAX (64 * 1024)
#define NOT_FOUND  "credentials not found"

/* Starts the program between two pipes. Returns its pid. */
static pid_t start(char *const *argv, int *ret_in, int *ret_out, struct err *err)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    if (pipe2(out, O_CLOEXEC) < 0) {
        int r = err_errno(err, -errno, "pipe");
        close(in[0]);
        close(in[1]);
        return r;
    }
    struct spawn sp = {
        .path = argv[0], .argv = argv, .stdin_fd = in[0], .stdout_fd = out[1], .stderr_fd = -1};
    pid_t pid = proc_spawn(&sp, err);
    close(in[0]);
    close(out[1]);
    if (pid < 0) {
        close(in[1]);
        close(out[0]);
        return pid;
    }
    *ret_in = in[1];
    *ret_out = out[0];
    return pid;
}

/* A helper that does not read its input must not end us. */
static int feed(int fd, const char *text)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    int r = write_full(fd, text, strlen(text));
    sigaction(SIGPIPE, &before, NULL);
    return r == -EPIPE ? 0 : r;
}

/* Runs `docker-credential-NAME ACTION`. *ret_code: its exit code. */
static int run(const char *name, const char *action, const char *input, struct buf *ret_answer,
               int *ret_code, struct err *err)
{
    auto_free char *program = xasprintf("docker-credential-%s", name);
    char *argv[] = {program, (char *)action, NULL};
    int in = -1, status = 0;
    auto_close int out = -1;
    pid_t pid = start(argv, &in, &out, err);
    if (pid < 0)
        return pid;
    int r = feed(in, input);
    close(in);
    if (r == 0)
        r = file_read_fd(out, ANSWER_MAX, ret_answer, err);
    close_fd(&out);
    int w = proc_wait(pid, &status);
    if (r < 0 || w < 0)
        return err_set(err, r < 0 ? r : w, "%s does not work", program);
    *ret_code = proc_exit_code(status);
    return 0;
}

static int failed(const char *name, const char *action, const struct buf *answer, int code,
                  struct err *err)
{
    auto_buf said = {0};
    buf_add_shown(&said, answer->data, answer->len < 200 ? answer->len : 200);
    return err_set(err, -EIO, "docker-credential-%s %s ended with %d: %s", name, action, code,
                   buf_str(&said));
}

int helper_get(const char *name, const char *server, struct credentials *ret, struct err *err)
{
    auto_buf answer = {0};
    auto_json json_t *json = NULL;
    auto_done(credentials) struct credentials c = {0};
    int code = 0, r = run(name, "get", server, &answer, &code, err);
    if (r < 0)
        return r;
    if (code != 0)
        return strstr(buf_str(&answer), NOT_FOUND) ? 0 : failed(name, "get", &answer, code, err);
    r = json_parse(buf_str(&answer), answer.len, &json, err);
    if (r == 0)
        r = json_want_string(json, "Username", &c.user, err);
    if (r == 0)
        r = json_want_string(json, "Secret", &c.password, err);
    explicit_bzero(answer.data, answer.len);
    if (r < 0 || !c.user || !c.password)
        return err_set(err, -EIO, "docker-credential-%s gave no valid answer", name);
    if (strcmp(c.user, "<token>") == 0) {
        c.identity_token = take_ptr(c.password);
        free(take_ptr(c.user));
    }
    *ret = c;
    c = (struct credentials){0};
    return 0;
}

int helper_store(const char *name, const char *server, const struct credentials *c, struct err *err)
{
    auto_buf answer = {0};
    int code = 0;
    auto_json json_t *json = json_pack("{s:s, s:s, s:s}", "ServerURL", server, "Username", c->user,
                                       "Secret", c->password);
    if (!json)
        return err_set(err, -EINVAL, "user name and password must be UTF-8");
    auto_free char *input = json_text(json);
    int r = run(name, "store", input, &answer, &code, err);
    explicit_bzero(input, strlen(input));
    return r < 0 || code == 0 ? r : failed(name, "store", &answer, code, err);
}

int helper_erase(const char *name, const char *server, struct err *err)
{
    auto_buf answer = {0};
    int code = 0, r = run(name, "erase", server, &answer, &code, err);
    if (r < 0 || code == 0 || strstr(buf_str(&answer), NOT_FOUND))
        return r;
    return failed(name, "erase", &answer, code, err);
}

int helper_forget(const char *name, const char *server, bool *ret_found, struct err *err)
{
    auto_done(credentials) struct credentials c = {0};
    int r = helper_get(name, server, &c, err);
    if (r < 0 || (!c.user && !c.identity_token))
        return r;
    *ret_found = true;
    return helper_erase(name, server, err);
}

int helper_list(const char *name, struct strv *ret, struct err *err)
{
    auto_buf answer = {0};
    auto_json json_t *json = NULL;
    const char *server;
    json_t *user;
    int code = 0, r = run(name, "list", "", &answer, &code, err);
    if (r < 0)
        return r;
    if (code != 0)
        return failed(name, "list", &answer, code, err);
    if (json_parse(buf_str(&answer), answer.len, &json, NULL) < 0 || !json_is_object(json))
        return err_set(err, -EIO, "docker-credential-%s gave no valid list", name);
    json_object_foreach (json, server, user)
        strv_add(ret, server);
    return 0;
}
