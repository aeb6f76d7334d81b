/* SPDX-License-Identifier: Apache-2.0 */
/* What `wherry` has `wherry-image` do. */
#include "engine/image_program.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "spec/registries.h"

#include <fcntl.h>
#include <string.h>

#define OUTPUT_MAX (64 * 1024)

void image_program_argv(const struct store *s, struct strv *ret)
{
    strv_add(ret, "wherry-image");
    strv_addf(ret, "--root=%s", s->root);
    strv_addf(ret, "--runroot=%s", s->runroot);
    for (size_t i = 0; i < s->n_lowers; i++)
        strv_addf(ret, "--imagestore=%s", s->lowers[i].root);
}

/* Starts it with its output in a pipe, of which *ret_out is our end. */
static pid_t start(struct strv *argv, int silence, int *ret_out, struct err *err)
{
    auto_free char *program = NULL;
    int ends[2], r = program_find("wherry-image", &program, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    struct spawn sp = {.path = program,
                       .argv = strv_argv(argv),
                       .stdin_fd = -1,
                       .stdout_fd = ends[1],
                       .stderr_fd = silence,
                       .die_with_parent = true};
    pid_t pid = proc_spawn(&sp, err);
    close(ends[1]);
    if (pid < 0)
        close(ends[0]);
    else
        *ret_out = ends[0];
    return pid;
}

int image_program_run(struct strv *argv, bool silent, struct buf *ret_output, struct err *err)
{
    auto_close int silence = silent ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    auto_close int out = -1;
    int status = 0;
    pid_t pid = start(argv, silence, &out, err);
    if (pid < 0)
        return pid;
    int r = file_read_fd(out, OUTPUT_MAX, ret_output, err);
    close_fd(&out);
    int w = proc_wait(pid, &status);
    if (r < 0 || w < 0)
        return r < 0 ? r : err_errno(err, w, "wait for wherry-image");
    if (status == 0)
        return 0;
    err_kind(err, ERR_EXIT, -EIO, "%s", "");
    if (err)
        err->status = proc_exit_code(status);
    return -EIO;
}

int image_program_names(const char *registries_conf, const char *name, struct strv *ret,
                        struct err *err)
{
    auto_strv argv = {0};
    auto_buf output = {0};
    char *rest, *line;
    if (!registries_present(registries_conf))
        return 0;
    strv_add(&argv, "wherry-image");
    strv_add(&argv, "image");
    strv_add(&argv, "resolve");
    if (registries_conf)
        strv_addf(&argv, "--registries-conf=%s", registries_conf);
    strv_add(&argv, "--");
    strv_add(&argv, name);
    int r = image_program_run(&argv, true, &output, err);
    if (r < 0)
        return r;
    rest = output.data;
    while ((line = strsep(&rest, "\n")))
        if (*line)
            strv_add(ret, line);
    return 0;
}
