/* SPDX-License-Identifier: Apache-2.0 */
/* Whole builds on operations that only write down what they are asked: build.txt. The input begins
 * with lines "#opt NAME=VALUE" (arg, target, label, name), which the lexer takes for comments; they
 * come behind the first line so that directives stay possible. */
#include "cases.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "builder/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct recorder {
    struct buf log;
    int layers;
    bool history; /* of the finished image: print it */
};

static void add_layer(struct recorder *r, struct build_image *image)
{
    strv_addf(&image->config.diff_ids, "sha256:%064d", ++r->layers);
}

/* Base images by name: "onbuild" has a trigger, "bare" layers without a history, "bash" a SHELL,
 * "missing" is not there; all others have an ENV, a CMD and one layer. */
static int fake_base(void *ctx, const char *ref, const struct platform *platform,
                     struct build_image *ret, struct err *err)
{
    struct recorder *r = ctx;
    struct build_image image = {0};
    auto_free char *text = platform ? platform_string(platform) : NULL;
    buf_printf(&r->log, "base %s%s%s\n", ref, text ? " for " : "", text ? text : "");
    if (strcmp(ref, "missing") == 0)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "missing: image not known");
    image_config_init(&image.config);
    strv_add(&image.config.run.env, "BASE=yes");
    strv_add(&image.config.run.env, "PORT=80");
    strv_add(&image.config.run.cmd, "sh");
    image.config.run.has_cmd = true;
    add_layer(r, &image);
    struct image_history h = {.created_by = (char *)"base layer"};
    if (strcmp(ref, "bare") != 0)
        image_config_add_history(&image.config, &h);
    json_t *extra = json_object();
    if (strcmp(ref, "onbuild") == 0)
        json_object_set_new(extra, "OnBuild", json_pack("[s]", "RUN x"));
    if (strcmp(ref, "bash") == 0)
        json_object_set_new(extra, "Shell", json_pack("[ss]", "/bin/bash", "-ec"));
    json_decref(image.config.run.extra);
    image.config.run.extra = extra;
    *ret = image;
    return 0;
}

static void log_list(struct buf *out, const char *name, const struct strv *v)
{
    auto_free char *joined = strv_join(v, "|");
    buf_printf(out, " %s=[%s]", name, joined);
}

/* A command with "false" in it fails, one with "true" changes nothing. */
static int fake_run(void *ctx, struct build_image *image, const struct build_run *run,
                    bool *ret_changed, struct err *err)
{
    struct recorder *r = ctx;
    buf_add_str(&r->log, "run");
    log_list(&r->log, "args", &run->args);
    log_list(&r->log, "env", &run->env);
    if (run->user)
        buf_printf(&r->log, " user=%s", run->user);
    buf_printf(&r->log, " cwd=%s", run->work_dir);
    if (run->script)
        buf_printf(&r->log, " script=%s:%.*s", run->script->name, (int)run->script->len,
                   run->script->data);
    buf_add_char(&r->log, '\n');
    const char *last = run->args.v[run->args.len - 1];
    if (strstr(last, "false")) {
        err_kind(err, ERR_EXIT, -EIO, "exit code: 1");
        err->status = 1;
        return -EIO;
    }
    *ret_changed = !strstr(last, "true");
    if (*ret_changed)
        add_layer(r, image);
    return 0;
}

static int fake_copy(void *ctx, struct build_image *image, const struct build_copy *c,
                     bool *ret_changed, struct err *err)
{
    struct recorder *r = ctx;
    buf_add_str(&r->log, "copy");
    log_list(&r->log, "sources", c->sources);
    buf_printf(&r->log, " dest=%s", c->dest);
    if (c->from)
        buf_printf(&r->log, " from=%s%s", c->from, c->from_image ? "" : "(image)");
    if (c->from_image)
        buf_printf(&r->log, "(%zu layers)", c->from_image->config.diff_ids.len);
    if (c->chown)
        buf_printf(&r->log, " chown=%s", c->chown);
    if (c->chmod)
        buf_printf(&r->log, " chmod=%s", c->chmod);
    if (c->unpack)
        buf_add_str(&r->log, " unpack");
    for (size_t i = 0; i < c->n_inlines; i++)
        buf_printf(&r->log, " <<%s:%.*s", c->inlines[i].name, (int)c->inlines[i].len,
                   c->inlines[i].data);
    buf_add_char(&r->log, '\n');
    add_layer(r, image);
    *ret_changed = true;
    return 0;
}

/* "/there" exists already. */
static int fake_make_dir(void *ctx, struct build_image *image, const char *path, const char *user,
                         bool *ret_changed, struct err *err)
{
    struct recorder *r = ctx;
    buf_printf(&r->log, "mkdir %s%s%s\n", path, user ? " user=" : "", user ? user : "");
    *ret_changed = strcmp(path, "/there") != 0;
    if (*ret_changed)
        add_layer(r, image);
    return 0;
}

static void log_config(struct recorder *r, const struct image_config *c)
{
    const struct image_run_config *run = &c->run;
    log_list(&r->log, "env", &run->env);
    if (run->has_entrypoint)
        log_list(&r->log, "entrypoint", &run->entrypoint);
    if (run->has_cmd)
        log_list(&r->log, "cmd", &run->cmd);
    if (run->user)
        buf_printf(&r->log, " user=%s", run->user);
    if (run->working_dir)
        buf_printf(&r->log, " cwd=%s", run->working_dir);
    if (run->stop_signal)
        buf_printf(&r->log, " stop=%s", run->stop_signal);
    if (run->ports.len > 0)
        log_list(&r->log, "ports", &run->ports);
    if (run->volumes.len > 0)
        log_list(&r->log, "volumes", &run->volumes);
    if (c->author)
        buf_printf(&r->log, " author=%s", c->author);
    auto_free char *labels = json_text(run->labels);
    if (json_object_size(run->labels) > 0)
        buf_printf(&r->log, " labels=%s", labels);
    if (strcmp(c->architecture, "amd64") != 0)
        buf_printf(&r->log, " for=%s/%s/%s", c->os, c->architecture, c->variant ? c->variant : "");
    buf_printf(&r->log, " created=%s layers=%zu\n", c->created, c->diff_ids.len);
}

static int fake_finish(void *ctx, const struct build_image *image, const struct strv *names,
                       char **ret_id, struct err *err)
{
    struct recorder *r = ctx;
    const struct image_config *c = &image->config;
    size_t full = 0;
    buf_add_str(&r->log, "finish");
    if (names && names->len > 0)
        log_list(&r->log, "names", names);
    log_config(r, c);
    for (size_t i = 0; i < c->n_history; i++) {
        full += !c->history[i].empty_layer;
        if (r->history)
            buf_printf(&r->log, "%c %s\n", c->history[i].empty_layer ? '-' : '+',
                       c->history[i].created_by);
    }
    if (full != c->diff_ids.len)
        buf_printf(&r->log, "HISTORY HAS %zu LAYERS\n", full);
    *ret_id = xstrdup("id");
    return 0;
}

static void fake_event(void *ctx, const struct build_event *ev)
{
    static const char *const names[] = {"begin", "output", "end", "failed", "note", "warning"};
    struct recorder *r = ctx;
    if (ev->kind == BUILD_STEP_END)
        return;
    buf_printf(&r->log, "%s %d%s%.*s\n", names[ev->kind], ev->step, ev->len ? " " : "",
               (int)ev->len, ev->text);
}

struct options {
    struct build_options o;
    struct strv args, labels, names;
    struct platform platform;
    char *target;
};

static void options_done(struct options *o)
{
    strv_done(&o->args);
    strv_done(&o->labels);
    strv_done(&o->names);
    platform_done(&o->platform);
    free(o->target);
}

static void read_options(const char *text, struct options *o, struct recorder *r)
{
    auto_strv lines = {0};
    strv_split(&lines, text, '\n');
    strv_foreach (&lines, line) {
        if (strncmp(line, "#opt arg ", 9) == 0)
            strv_add(&o->args, line + 9);
        else if (strncmp(line, "#opt label ", 11) == 0)
            strv_add(&o->labels, line + 11);
        else if (strncmp(line, "#opt name ", 10) == 0)
            strv_add(&o->names, line + 10);
        else if (strncmp(line, "#opt target ", 12) == 0)
            o->target = xstrdup(line + 12);
        else if (strncmp(line, "#opt platform ", 14) == 0)
            assert_int_equal(platform_parse(line + 14, &o->platform, NULL), 0);
        else if (strcmp(line, "#opt history") == 0)
            r->history = true;
    }
    o->o = (struct build_options){
        .file_name = "Dockerfile",
        .text = text,
        .text_len = strlen(text),
        .target = o->target,
        .platform = o->platform.os ? &o->platform : NULL,
        .args = &o->args,
        .labels = &o->labels,
        .names = &o->names,
    };
}

static char *build(const char *text)
{
    struct recorder r = {0};
    struct options o = {0};
    struct err err = {0};
    auto_free char *id = NULL;
    const struct build_ops ops = {
        .ctx = &r,
        .base = fake_base,
        .run = fake_run,
        .copy = fake_copy,
        .make_dir = fake_make_dir,
        .finish = fake_finish,
        .event = fake_event,
    };
    read_options(text, &o, &r);
    if (build_run(&o.o, &ops, &id, &err) < 0)
        buf_printf(&r.log, "error%s: %s", err.kind == ERR_EXIT ? " exit" : "", err.message);
    else
        assert_string_equal(id, "id");
    options_done(&o);
    while (r.log.len > 0 && r.log.data[r.log.len - 1] == '\n')
        buf_truncate(&r.log, r.log.len - 1);
    return buf_take(&r.log);
}

static void check_cases(const char *file, size_t at_least)
{
    struct test_case *v;
    size_t n = cases_read(file, &v);
    int bad = 0;
    assert_true(n >= at_least);
    for (size_t i = 0; i < n; i++) {
        auto_free char *got = build(v[i].input);
        bad += differs(v[i].name, got, v[i].expected);
    }
    cases_free(v, n);
    assert_int_equal(bad, 0);
}

static void test_builds(void **state)
{
    check_cases("build.txt", 25);
}

/* Refused before any operation is called: the log is the error alone. */
static void test_refused(void **state)
{
    check_cases("refused.txt", 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_builds),
                                       cmocka_unit_test(test_refused)};
    setenv("SOURCE_DATE_EPOCH", "0", 1);
    setenv("FROM_HOST", "host", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
