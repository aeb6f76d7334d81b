/* SPDX-License-Identifier: Apache-2.0 */
/* The image of `run` and `create`: here, or pulled first.
 *
 * `wherry` has no client for registries in it, so it starts `wherry-image pull` and reads the
 * image's id from it. That program's stderr is ours: progress and errors are seen there. */
#include "cmd/image_pull.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"

#include <fcntl.h>
#include <string.h>

#define OUTPUT_MAX 4096

static void add_option(struct strv *argv, const char *name, const char *value)
{
    if (value)
        strv_addf(argv, "--%s=%s", name, value);
}

static void build_argv(const struct invocation *in, const struct image_pull_values *v,
                       const char *image, struct strv *argv)
{
    strv_add(argv, "wherry-image");
    add_option(argv, "root", in->engine->store.root);
    add_option(argv, "runroot", in->engine->store.runroot);
    for (size_t i = 0; i < in->engine->store.n_lowers; i++)
        add_option(argv, "imagestore", in->engine->store.lowers[i].root);
    if (log_enabled(LOG_LEVEL_DEBUG))
        add_option(argv, "log-level", "debug");
    strv_add(argv, "pull");
    add_option(argv, "policy", v->policy ? v->policy : "missing");
    add_option(argv, "platform", v->platform);
    add_option(argv, "arch", v->arch);
    add_option(argv, "os", v->os);
    add_option(argv, "variant", v->variant);
    add_option(argv, "authfile", v->authfile);
    add_option(argv, "tls-verify", v->tls_verify);
    if (v->quiet)
        strv_add(argv, "--quiet");
    strv_add(argv, "--");
    strv_add(argv, image);
}

/* Runs it and takes what it prints. */
static int run_pull(struct strv *argv, struct buf *ret_output, struct err *err)
{
    auto_free char *program = NULL;
    int ends[2], status = 0, r = program_find("wherry-image", &program, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    struct spawn sp = {.path = program,
                       .argv = strv_argv(argv),
                       .stdin_fd = -1,
                       .stdout_fd = ends[1],
                       .stderr_fd = -1,
                       .die_with_parent = true};
    pid_t pid = proc_spawn(&sp, err);
    close(ends[1]);
    auto_close int out = ends[0];
    if (pid < 0)
        return pid;
    r = file_read_fd(out, OUTPUT_MAX, ret_output, err);
    close_fd(&out);
    int w = proc_wait(pid, &status);
    if (r < 0 || w < 0)
        return r < 0 ? r : err_errno(err, w, "wait for %s", program);
    if (status == 0)
        return 0;
    err_kind(err, ERR_EXIT, -EIO, "%s", "");
    if (err)
        err->status = proc_exit_code(status);
    return -EIO;
}

/* Without a look into the registry nothing can be said when the platform is stated or when it may
 * have something newer. */
static bool must_ask(const struct image_pull_values *v)
{
    bool platform = v->platform || v->arch || v->os || v->variant;
    return platform ||
           (v->policy && strcmp(v->policy, "missing") != 0 && strcmp(v->policy, "never") != 0);
}

int image_pull_wanted(struct invocation *in, const struct image_pull_values *v, const char *image,
                      struct store_image *ret, struct err *err)
{
    auto_strv argv = {0};
    auto_buf output = {0};
    if (!must_ask(v)) {
        int r = store_image_find(&in->engine->store, image, ret, err);
        /* Also when nothing may be pulled: registries.conf may know the name of one that is here.
         */
        if (r == 0 || err->kind != ERR_NOT_FOUND)
            return r;
        err_clear(err);
    }
    build_argv(in, v, image, &argv);
    int r = run_pull(&argv, &output, err);
    if (r < 0)
        return r;
    auto_free char *id = xstrndup(buf_str(&output), strcspn(buf_str(&output), "\n"));
    return store_image_find(&in->engine->store, id, ret, err);
}
